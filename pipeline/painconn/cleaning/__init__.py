"""From a checked recording to clean epochs: noise, channels, components, epochs, segments, quality.

Conventions of this room: MNE objects and plain keyword arguments in, new MNE objects and small frozen results out;
nothing is changed in place, no file is opened, no setting is read. Voltages are in volts, times in seconds, frequencies
in hertz. What makes a recording unusable is a :class:`painconn.errors.RecordingFault`.
"""
