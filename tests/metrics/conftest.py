import hypothesis

hypothesis.settings.register_profile("metrics", deadline=None, max_examples=40, derandomize=True)
hypothesis.settings.load_profile("metrics")
