"""Film reviews with few labels: a pretrained sentence encoder, of which the upper layers are trained on."""
