"""Linux user mode: programs for PowerPC Linux (ppc64le, ppc64, ppc32) with the host's kernel under them.

process.py runs one; loader.py and auxv.py start it; memory.py is its address space; syscalls/ has its kernel's functions; signals.py
and frames.py its signals; abi.py says in what the three ABIs differ; native.py calls the host's kernel.
"""
