"""What Lamina takes from MONAI Label, imported where its missing modules are stood in for."""

from lamina.label.stand_ins import stand_ins

with stand_ins():
    from monailabel.datastore.dicom import DICOMwebClientX
    from monailabel.interfaces.app import MONAILabelApp
    from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
    from monailabel.interfaces.exception import MONAILabelException
    from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
    from monailabel.interfaces.tasks.scoring import ScoringMethod
    from monailabel.interfaces.tasks.strategy import Strategy
    from monailabel.interfaces.tasks.train import TrainTask
    from monailabel.tasks.activelearning.first import First
    from monailabel.tasks.activelearning.random import Random
    from monailabel.utils.async_tasks.utils import tasks

__all__ = [
    "DICOMwebClientX",
    "Datastore",
    "DefaultLabelTag",
    "First",
    "InferTask",
    "InferType",
    "MONAILabelApp",
    "MONAILabelException",
    "Random",
    "ScoringMethod",
    "Strategy",
    "TrainTask",
    "tasks",
]
