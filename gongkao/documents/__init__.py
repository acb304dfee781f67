"""Every paper the offices print: fonts, one render function, and the papers themselves."""
