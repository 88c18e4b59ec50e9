"""The layers, one file a family, and what is known of activations.

Every layer is a frozen dataclass that derives from `backlit.nn.layer.Layer` and is known by the name of its class:
`backlit.nn` imports all files here, so that a saved network finds its layers. Recurrent layers share `recurrent.py`;
`containers.py`, `wired.py` and `sequence.py` hold layers made of others.
"""
