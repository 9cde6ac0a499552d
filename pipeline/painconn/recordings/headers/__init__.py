"""What a file says about itself before any reader opens it: one module per format.

Conventions of this package: every module has ``companions_of(path)`` (other files that belong to the recording; the
next is opened only after the one before was yielded) and ``outline_of(path)`` (channels, samples, rate); where labels
are parsed anyway, ``labels_of(path)`` (names of the channels before a reader tells equal ones apart). They parse as
little as the door needs, with bounds, so that a hostile or broken header costs a few kilobytes, and raise HeaderFault
or CutFault of :mod:`painconn.recordings.headers.outline`. No message holds free text of a header.
"""
