"""The Power ISA, one file per chapter. Importing this package declares every instruction."""

from __future__ import annotations

from . import branch as branch
from . import cr as cr
from . import decimal_arithmetic as decimal_arithmetic
from . import decimal_test as decimal_test
from . import fixed_arithmetic as fixed_arithmetic
from . import fixed_bcd as fixed_bcd
from . import fixed_compare as fixed_compare
from . import fixed_divide as fixed_divide
from . import fixed_logical as fixed_logical
from . import fixed_rotate as fixed_rotate
from . import fixed_trap as fixed_trap
from . import float_arithmetic as float_arithmetic
from . import float_fpscr as float_fpscr
from . import float_storage as float_storage
from . import move_spr as move_spr
from . import priority as priority
from . import reserved as reserved
from . import storage_cache as storage_cache
from . import storage_fixed as storage_fixed
from . import storage_sync as storage_sync
from . import system as system
from . import translation as translation
from . import vector_bits as vector_bits
from . import vector_compare as vector_compare
from . import vector_crypto as vector_crypto
from . import vector_decimal as vector_decimal
from . import vector_float as vector_float
from . import vector_integer as vector_integer
from . import vector_logical as vector_logical
from . import vector_multiply as vector_multiply
from . import vector_permute as vector_permute
from . import vector_shift as vector_shift
from . import vector_storage as vector_storage
from . import vsx_arithmetic as vsx_arithmetic
from . import vsx_compare as vsx_compare
from . import vsx_convert as vsx_convert
from . import vsx_move as vsx_move
from . import vsx_permute as vsx_permute
from . import vsx_quad as vsx_quad
from . import vsx_storage as vsx_storage
