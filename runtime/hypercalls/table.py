"""Numbers, names and status values of hypervisor calls.

Source: PAPR (LoPAPR 1.1), chapter "Hypervisor Call Functions"; numbers as in Linux 6.1
arch/powerpc/include/asm/hvcall.h. The numbers above 0xf000 are private to QEMU, KVM and PowerVM.
"""

from __future__ import annotations

from typing import Final

# Status, returned in r3.
H_SUCCESS: Final = 0
H_BUSY: Final = 1
H_CLOSED: Final = 2
H_NOT_AVAILABLE: Final = 3
H_HARDWARE: Final = -1
H_FUNCTION: Final = -2
H_PRIVILEGE: Final = -3
H_PARAMETER: Final = -4
H_BAD_MODE: Final = -5
H_PTEG_FULL: Final = -6
H_NOT_FOUND: Final = -7
H_RESERVED_DABR: Final = -8
H_NO_MEM: Final = -9
H_AUTHORITY: Final = -10
H_PERMISSION: Final = -11
H_DROPPED: Final = -12
H_RESOURCE: Final = -16
H_P2: Final = -55
H_P3: Final = -56
H_P4: Final = -57
H_P5: Final = -58
H_UNSUPPORTED_FLAG: Final = -256

# Call numbers. They are multiples of 4, save the private ones.
# fmt: off
NUMBERS: Final[dict[str, int]] = {
    "H_REMOVE": 0x4, "H_ENTER": 0x8, "H_READ": 0xc, "H_CLEAR_MOD": 0x10, "H_CLEAR_REF": 0x14,
    "H_PROTECT": 0x18, "H_GET_TCE": 0x1c, "H_PUT_TCE": 0x20, "H_SET_SPRG0": 0x24, "H_SET_DABR": 0x28,
    "H_PAGE_INIT": 0x2c, "H_SET_ASR": 0x30, "H_ASR_ON": 0x34, "H_ASR_OFF": 0x38, "H_LOGICAL_CI_LOAD": 0x3c,
    "H_LOGICAL_CI_STORE": 0x40, "H_LOGICAL_CACHE_LOAD": 0x44, "H_LOGICAL_CACHE_STORE": 0x48,
    "H_LOGICAL_ICBI": 0x4c, "H_LOGICAL_DCBF": 0x50, "H_GET_TERM_CHAR": 0x54, "H_PUT_TERM_CHAR": 0x58,
    "H_REAL_TO_LOGICAL": 0x5c, "H_HYPERVISOR_DATA": 0x60, "H_EOI": 0x64, "H_CPPR": 0x68, "H_IPI": 0x6c,
    "H_IPOLL": 0x70, "H_XIRR": 0x74, "H_MIGRATE_DMA": 0x78, "H_PERFMON": 0x7c, "H_REGISTER_VPA": 0xdc,
    "H_CEDE": 0xe0, "H_CONFER": 0xe4, "H_PROD": 0xe8, "H_GET_PPP": 0xec, "H_SET_PPP": 0xf0, "H_PURR": 0xf4,
    "H_PIC": 0xf8, "H_REG_CRQ": 0xfc, "H_FREE_CRQ": 0x100, "H_VIO_SIGNAL": 0x104, "H_SEND_CRQ": 0x108,
    "H_COPY_RDMA": 0x110, "H_REGISTER_LOGICAL_LAN": 0x114, "H_FREE_LOGICAL_LAN": 0x118,
    "H_ADD_LOGICAL_LAN_BUFFER": 0x11c, "H_SEND_LOGICAL_LAN": 0x120, "H_BULK_REMOVE": 0x124,
    "H_MULTICAST_CTRL": 0x130, "H_SET_XDABR": 0x134, "H_STUFF_TCE": 0x138, "H_PUT_TCE_INDIRECT": 0x13c,
    "H_CHANGE_LOGICAL_LAN_MAC": 0x14c, "H_VTERM_PARTNER_INFO": 0x150, "H_REGISTER_VTERM": 0x154,
    "H_FREE_VTERM": 0x158, "H_RESET_EVENTS": 0x15c, "H_ALLOC_RESOURCE": 0x160, "H_FREE_RESOURCE": 0x164,
    "H_MODIFY_QP": 0x168, "H_QUERY_QP": 0x16c, "H_REREGISTER_PMR": 0x170, "H_REGISTER_SMR": 0x174,
    "H_QUERY_MR": 0x178, "H_QUERY_MW": 0x17c, "H_QUERY_HCA": 0x180, "H_QUERY_PORT": 0x184,
    "H_MODIFY_PORT": 0x188, "H_DEFINE_AQP1": 0x18c, "H_GET_TRACE_BUFFER": 0x190, "H_DEFINE_AQP0": 0x194,
    "H_RESIZE_MR": 0x198, "H_ATTACH_MCQP": 0x19c, "H_DETACH_MCQP": 0x1a0, "H_CREATE_RPT": 0x1a4,
    "H_REMOVE_RPT": 0x1a8, "H_REGISTER_RPAGES": 0x1ac, "H_DISABLE_AND_GET": 0x1b0, "H_ERROR_DATA": 0x1b4,
    "H_GET_HCA_INFO": 0x1b8, "H_GET_PERF_COUNT": 0x1bc, "H_MANAGE_TRACE": 0x1c0,
    "H_GET_CPU_CHARACTERISTICS": 0x1c8, "H_FREE_LOGICAL_LAN_BUFFER": 0x1d4, "H_POLL_PENDING": 0x1d8,
    "H_QUERY_INT_STATE": 0x1e4, "H_ILLAN_ATTRIBUTES": 0x244, "H_MODIFY_HEA_QP": 0x250,
    "H_QUERY_HEA_QP": 0x254, "H_QUERY_HEA": 0x258, "H_QUERY_HEA_PORT": 0x25c, "H_MODIFY_HEA_PORT": 0x260,
    "H_REG_BCMC": 0x264, "H_DEREG_BCMC": 0x268, "H_REGISTER_HEA_RPAGES": 0x26c,
    "H_DISABLE_AND_GET_HEA": 0x270, "H_GET_HEA_INFO": 0x274, "H_ALLOC_HEA_RESOURCE": 0x278,
    "H_ADD_CONN": 0x284, "H_DEL_CONN": 0x288, "H_JOIN": 0x298, "H_VASI_SIGNAL": 0x2a0,
    "H_VASI_STATE": 0x2a4, "H_VIOCTL": 0x2a8, "H_ENABLE_CRQ": 0x2b0, "H_GET_EM_PARMS": 0x2b8,
    "H_SET_MPP": 0x2d0, "H_GET_MPP": 0x2d4, "H_REG_SUB_CRQ": 0x2dc, "H_FREE_SUB_CRQ": 0x2e0,
    "H_SEND_SUB_CRQ": 0x2e4, "H_SEND_SUB_CRQ_INDIRECT": 0x2e8, "H_HOME_NODE_ASSOCIATIVITY": 0x2ec,
    "H_BEST_ENERGY": 0x2f4, "H_XIRR_X": 0x2fc, "H_RANDOM": 0x300, "H_COP": 0x304, "H_GET_MPP_X": 0x314,
    "H_SET_MODE": 0x31c, "H_BLOCK_REMOVE": 0x328, "H_CLEAR_HPT": 0x358, "H_REQUEST_VMC": 0x360,
    "H_RESIZE_HPT_PREPARE": 0x36c, "H_RESIZE_HPT_COMMIT": 0x370, "H_REGISTER_PROC_TBL": 0x37c,
    "H_SIGNAL_SYS_RESET": 0x380, "H_ALLOCATE_VAS_WINDOW": 0x388, "H_MODIFY_VAS_WINDOW": 0x38c,
    "H_DEALLOCATE_VAS_WINDOW": 0x390, "H_QUERY_VAS_WINDOW": 0x394, "H_QUERY_VAS_CAPABILITIES": 0x398,
    "H_QUERY_NX_CAPABILITIES": 0x39c, "H_GET_NX_FAULT": 0x3a0, "H_INT_GET_SOURCE_INFO": 0x3a8,
    "H_INT_SET_SOURCE_CONFIG": 0x3ac, "H_INT_GET_SOURCE_CONFIG": 0x3b0, "H_INT_GET_QUEUE_INFO": 0x3b4,
    "H_INT_SET_QUEUE_CONFIG": 0x3b8, "H_INT_GET_QUEUE_CONFIG": 0x3bc, "H_INT_SET_OS_REPORTING_LINE": 0x3c0,
    "H_INT_GET_OS_REPORTING_LINE": 0x3c4, "H_INT_ESB": 0x3c8, "H_INT_SYNC": 0x3cc, "H_INT_RESET": 0x3d0,
    "H_SCM_READ_METADATA": 0x3e4, "H_SCM_WRITE_METADATA": 0x3e8, "H_SCM_BIND_MEM": 0x3ec,
    "H_SCM_UNBIND_MEM": 0x3f0, "H_SCM_QUERY_BLOCK_MEM_BINDING": 0x3f4,
    "H_SCM_QUERY_LOGICAL_MEM_BINDING": 0x3f8, "H_SCM_UNBIND_ALL": 0x3fc, "H_SCM_HEALTH": 0x400,
    "H_SCM_PERFORMANCE_STATS": 0x418, "H_PKS_GET_CONFIG": 0x41c, "H_PKS_SET_PASSWORD": 0x420,
    "H_PKS_GEN_PASSWORD": 0x424, "H_PKS_WRITE_OBJECT": 0x42c, "H_PKS_GEN_KEY": 0x430,
    "H_PKS_READ_OBJECT": 0x434, "H_PKS_REMOVE_OBJECT": 0x438, "H_PKS_CONFIRM_OBJECT_FLUSHED": 0x43c,
    "H_RPT_INVALIDATE": 0x448, "H_SCM_FLUSH": 0x44c, "H_GET_ENERGY_SCALE_INFO": 0x450, "H_WATCHDOG": 0x45c,
    "H_SVM_PAGE_IN": 0xef00, "H_SVM_PAGE_OUT": 0xef04, "H_SVM_INIT_START": 0xef08,
    "H_SVM_INIT_DONE": 0xef0c, "H_SVM_INIT_ABORT": 0xef14, "H_RTAS": 0xf000, "H_LOGICAL_MEMOP": 0xf001,
    "H_CAS": 0xf002, "H_UPDATE_DT": 0xf003, "H_OF_CLIENT": 0xf005, "H_GET_24X7_CATALOG_PAGE": 0xf078, "H_GET_24X7_DATA": 0xf07c,
    "H_GET_PERF_COUNTER_INFO": 0xf080, "H_SET_PARTITION_TABLE": 0xf800, "H_ENTER_NESTED": 0xf804,
    "H_TLB_INVALIDATE": 0xf808, "H_COPY_TOFROM_GUEST": 0xf80c,
}
# fmt: on

NAMES: Final[dict[int, str]] = {number: name for name, number in NUMBERS.items()}

# The hashed page table family. It is answered by compiled code; these never reach `registry.dispatch` in a
# pseries machine.
HPT_FAMILY: Final[frozenset[str]] = frozenset(
    ("H_REMOVE", "H_ENTER", "H_READ", "H_CLEAR_MOD", "H_CLEAR_REF", "H_PROTECT", "H_BULK_REMOVE")
)

# Those about interrupts and waiting (light.py): compiled too, and counted in this order in the vCPU record's `light_calls`.
LIGHT: Final = ("H_EOI", "H_CPPR", "H_IPI", "H_IPOLL", "H_XIRR", "H_CEDE", "H_CONFER", "H_PROD", "H_XIRR_X")


def name_of(number: int) -> str:
    """The PAPR name of a call, or its number in hexadecimal."""
    return NAMES.get(number, f"{number:#x}")
