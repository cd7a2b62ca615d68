"""A MONAI Label server for Lamina's tasks: what 3D Slicer's MONAI Label extension talks to.

``stand_ins``      two modules that MONAI Label imports and that can't be had
``monai_label``    MONAI Label's own classes
``names``          from the names of segments to the values of a task
``label_files``    the labels of the studies, as they were submitted
``studies``        the images: a folder of any depth
``dicomweb``       the images: a DICOMweb archive
``datastore``      both, as MONAI Label asks for them
``models``         the versions of a task's weights
``lock``           one process at a time
``work``           the server's folder, and the tasks packed into it
``predictor``      a packed task, ready to segment
``infer``, ``train``, ``batch``, ``score``, ``uncertainty``   what the server does
``app``, ``server``            all of it as one MONAI Label app, and its answers to mistakes
"""
