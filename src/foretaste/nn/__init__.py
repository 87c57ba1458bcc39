"""Networks as pure modules: tensors in, tensors out. Each fast form has its plain form beside it in the tests."""
