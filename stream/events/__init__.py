"""1. Bytes or log rows become events, or rejections with a reason."""
