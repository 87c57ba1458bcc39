"""Graph models on the user-item graph: closed-form graph filters and graph convolution."""
