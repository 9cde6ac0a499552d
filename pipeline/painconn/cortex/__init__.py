"""From electrodes to cortical regions: template head, lead field, inverse kernels, regions."""
