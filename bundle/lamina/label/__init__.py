"""A MONAI Label server for Lamina's tasks: what 3D Slicer's MONAI Label extension talks to.

``stand_ins``      two modules that MONAI Label imports and that can't be had
``monai_label``    MONAI Label's own classes
``segment_names``  from the names of segments to the values of a task
``submitted_labels``  the labels of the studies, as they were submitted
``studies``        the images: a folder of any depth
``dicomweb``       the images: a DICOMweb archive
``datastore``      both, as MONAI Label asks for them
``work``           the server's folder, the tasks packed into it, the versions of their weights
``infer``, ``batch_inference``, ``training``, ``active_learning``   what the server does
``app``, ``server``            all of it as one MONAI Label app, and its answers to mistakes
"""
