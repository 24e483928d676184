"""What a plan leads to: language models, sentence encoders, or surrogates of estimators."""
