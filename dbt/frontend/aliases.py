"""The extended mnemonics (Book I appendix C, Book III appendix), in the spelling of GNU as and objdump."""

from __future__ import annotations

from .forms import alias

# -- moves, constants, complements
alias("nop", "ori 0,0,0")
alias("xnop", "xori 0,0,0")
alias("li RT,SI", "addi RT,0,SI")
alias("lis RT,SI", "addis RT,0,SI")
alias("la RT,SI(RA)", "addi RT,RA,SI", printed=False)
alias("subi RT,RA,n", "addi RT,RA,-1*n", printed=False)
alias("subis RT,RA,n", "addis RT,RA,-1*n", printed=False)
alias("subic RT,RA,n", "addic RT,RA,-1*n", printed=False)
alias("subic. RT,RA,n", "addic. RT,RA,-1*n", printed=False)
alias("mr[.] RA,RS", "or[.] RA,RS,RS")
alias("not[.] RA,RS", "nor[.] RA,RS,RS")
alias("vmr VRT,VRA", "vor VRT,VRA,VRA")
alias("vnot VRT,VRA", "vnor VRT,VRA,VRA")
for _old, _new in (("vcfpsxws", "vctsxs"), ("vcfpuxws", "vctuxs"), ("vcsxwfp", "vcfsx"), ("vcuxwfp", "vcfux")):
    alias(f"{_old} VRT,VRB,UIM", f"{_new} VRT,VRB,UIM", printed=False)
alias("sub[o][.] RT,RA,RB", "subf[o][.] RT,RB,RA", printed=False)
alias("subc[o][.] RT,RA,RB", "subfc[o][.] RT,RB,RA", printed=False)

# -- rotates and shifts
alias("rotlwi[.] RA,RS,n", "rlwinm[.] RA,RS,n,0,31")
alias("clrlwi[.] RA,RS,n", "rlwinm[.] RA,RS,0,n,31")
alias("slwi[.] RA,RS,n", "rlwinm[.] RA,RS,n,0,31-n")
alias("srwi[.] RA,RS,n", "rlwinm[.] RA,RS,32-n,n,31")
alias("clrrwi[.] RA,RS,n", "rlwinm[.] RA,RS,0,0,31-n")
alias("rotrwi[.] RA,RS,n", "rlwinm[.] RA,RS,32-n,0,31", printed=False)
alias("extlwi[.] RA,RS,n,b", "rlwinm[.] RA,RS,b,0,n-1", printed=False)
alias("extrwi[.] RA,RS,n,b", "rlwinm[.] RA,RS,b+n,32-n,31", printed=False)
alias("clrlslwi[.] RA,RS,b,n", "rlwinm[.] RA,RS,n,b-n,31-n", printed=False)
alias("inslwi[.] RA,RS,n,b", "rlwimi[.] RA,RS,32-b,b,b+n-1", printed=False)
alias("insrwi[.] RA,RS,n,b", "rlwimi[.] RA,RS,32-b-n,b,b+n-1", printed=False)
alias("rotlw[.] RA,RS,RB", "rlwnm[.] RA,RS,RB,0,31")
alias("rotldi[.] RA,RS,n", "rldicl[.] RA,RS,n,0")
alias("clrldi[.] RA,RS,n", "rldicl[.] RA,RS,0,n")
alias("srdi[.] RA,RS,n", "rldicl[.] RA,RS,64-n,n")
alias("clrrdi[.] RA,RS,n", "rldicr[.] RA,RS,0,63-n")
alias("sldi[.] RA,RS,n", "rldicr[.] RA,RS,n,63-n")
alias("rotrdi[.] RA,RS,n", "rldicl[.] RA,RS,64-n,0", printed=False)
alias("extldi[.] RA,RS,n,b", "rldicr[.] RA,RS,b,n-1", printed=False)
alias("extrdi[.] RA,RS,n,b", "rldicl[.] RA,RS,b+n,64-n", printed=False)
alias("clrlsldi[.] RA,RS,b,n", "rldic[.] RA,RS,n,b-n", printed=False)
alias("insrdi[.] RA,RS,n,b", "rldimi[.] RA,RS,64-b-n,b", printed=False)
alias("rotld[.] RA,RS,RB", "rldcl[.] RA,RS,RB,0")

# -- compares
for _l, _width in ((0, "w"), (1, "d")):
    alias(f"cmp{_width}i [BF],RA,SI", f"cmpi BF,{_l},RA,SI")
    alias(f"cmpl{_width}i [BF],RA,UI", f"cmpli BF,{_l},RA,UI")
    alias(f"cmp{_width} [BF],RA,RB", f"cmp BF,{_l},RA,RB")
    alias(f"cmpl{_width} [BF],RA,RB", f"cmpl BF,{_l},RA,RB")

# -- condition register
alias("crclr BT", "crxor BT,BT,BT")
alias("crset BT", "creqv BT,BT,BT")
alias("crmove BT,BA", "cror BT,BA,BA")
alias("crnot BT,BA", "crnor BT,BA,BA")
alias("mtcr RS", "mtcrf 255,RS")
for _bit, _name in enumerate(("lt", "gt", "eq")):
    alias(f"isel{_name} RT,RA,RB", f"isel RT,RA,RB,{_bit}")

# -- traps
alias("trap", "tw 31,0,0")
_TRAPS = {"lgt": 1, "llt": 2, "eq": 4, "lge": 5, "lle": 6, "gt": 8, "ge": 12, "lt": 16, "le": 20, "ne": 24, "u": 31}
for _w in ("w", "d"):
    for _name, _to in _TRAPS.items():
        alias(f"t{_w}{_name} RA,RB", f"t{_w} {_to},RA,RB")
        alias(f"t{_w}{_name}i RA,SI", f"t{_w}i {_to},RA,SI")
    for _name, _to in {"lnl": 5, "lng": 6, "nl": 12, "ng": 20}.items():
        alias(f"t{_w}{_name} RA,RB", f"t{_w} {_to},RA,RB", printed=False)
        alias(f"t{_w}{_name}i RA,SI", f"t{_w}i {_to},RA,SI", printed=False)

# -- branches: name of the condition -> (BO, bit of the CR field), the printed spelling first
_CONDITIONS = {
    "lt": (12, 0), "gt": (12, 1), "eq": (12, 2), "so": (12, 3), "ge": (4, 0), "le": (4, 1), "ne": (4, 2), "ns": (4, 3),
    "un": (12, 3), "nl": (4, 0), "ng": (4, 1), "nu": (4, 3),
}  # fmt: skip
for _hint, _at in (("", 0), ("-", 2), ("+", 3)):
    for _name, (_bo, _bit) in _CONDITIONS.items():
        _shown = _name not in ("un", "nl", "ng", "nu")
        alias(f"b{_name}[l][a]{_hint} [c],BD", f"bc[l][a] {_bo + _at},4*c+{_bit},BD", printed=_shown)
        for _into, _base in (("lr", "bclr"), ("ctr", "bcctr"), ("tar", "bctar")):
            alias(f"b{_name}{_into}[l]{_hint} [c],[BH]", f"{_base}[l] {_bo + _at},4*c+{_bit},BH", printed=_shown)
for _name, _bo in (("bdnz", 16), ("bdz", 18)):
    for _hint, _at in (("", 0), ("-", 8), ("+", 9)):
        alias(f"{_name}[l][a]{_hint} BD", f"bc[l][a] {_bo + _at},0,BD")
        for _into, _base in (("lr", "bclr"), ("tar", "bctar")):
            alias(f"{_name}{_into}[l]{_hint} [BH]", f"{_base}[l] {_bo + _at},0,BH")
for _name, _bo in (("bdnzf", 0), ("bdzf", 2), ("bdnzt", 8), ("bdzt", 10)):
    alias(f"{_name}[l][a] BI,BD", f"bc[l][a] {_bo},BI,BD")
    for _into, _base in (("lr", "bclr"), ("tar", "bctar")):
        alias(f"{_name}{_into}[l] BI,[BH]", f"{_base}[l] {_bo},BI,BH")
for _hint, _bos in (("-", (24, 26)), ("+", (25, 27))):
    alias(f"bc[l][a]{_hint} BO,BI,BD", "bc[l][a] BO,BI,BD", guard=lambda BO, BI, BD, _bos=_bos: BO in _bos)
    for _base in ("bclr", "bcctr", "bctar"):
        alias(f"{_base}[l]{_hint} BO,BI,[BH]", f"{_base}[l] BO,BI,BH", guard=lambda BO, BI, BH, _bos=_bos: BO in _bos)
for _into, _base in (("lr", "bclr"), ("ctr", "bcctr"), ("tar", "bctar")):
    alias(f"b{_into}[l] [BH]", f"{_base}[l] 20,0,BH")
    alias(f"{_base}[l] BO,BI,[BH]", f"{_base}[l] BO,BI,BH")
    for _name, _bo in (("bt", 12), ("bf", 4)):
        alias(f"{_name}{_into}[l] BI,[BH]", f"{_base}[l] {_bo},BI,BH", printed=False)
for _name, _bo in (("bt", 12), ("bf", 4)):
    alias(f"{_name}[l][a] BI,BD", f"bc[l][a] {_bo},BI,BD", printed=False)

# -- special purpose registers: name -> number, where reading and writing differ both
_SPRS = {
    "xer": 1, "lr": 8, "ctr": 9, "dscr": 17, "dsisr": 18, "dar": 19, "dec": 22, "sdr1": 25, "srr0": 26, "srr1": 27,
    "cfar": 28, "amr": 29, "uamor": 157, "vrsave": 256, "asr": 280, "ear": 282, "hmer": 336, "hmeer": 337, "amor": 349,
    "ic": 848, "vtb": 849, "ppr": 896, "ppr32": 898,
}  # fmt: skip
_READ = {"ctrl": 136, "tb": 268, "tbu": 269, "pvr": 287, "mmcra": 770, "mmcr0": 779, "mmcr1": 782}
_WRITE = {"ctrl": 152, "tbl": 284, "tbu": 285, "mmcra": 786, "mmcr0": 795, "mmcr1": 798}
_READ |= {f"pmc{n}": 770 + n for n in range(1, 7)}
_WRITE |= {f"pmc{n}": 786 + n for n in range(1, 7)}
for _name, _number in (_SPRS | _READ).items():
    alias(f"mf{_name} RT", f"mfspr RT,{_number}")
for _name, _number in (_SPRS | _WRITE).items():
    alias(f"mt{_name} RS", f"mtspr {_number},RS")
for _name, _number in (("ibatu", 528), ("ibatl", 529), ("dbatu", 536), ("dbatl", 537)):
    alias(f"mf{_name} RT,n", f"mfspr RT,{_number}+2*n", guard=lambda RT, n: 0 <= n < 4)
    alias(f"mt{_name} n,RS", f"mtspr {_number}+2*n,RS", guard=lambda RS, n: 0 <= n < 4)
for _n in range(4):
    alias(f"mfsprg{_n} RT", f"mfspr RT,{272 + _n}", printed=False)
    alias(f"mtsprg{_n} RS", f"mtspr {272 + _n},RS", printed=False)
alias("mfsprg RT,n", "mfspr RT,272+n", guard=lambda RT, n: 0 <= n < 8)
alias("mtsprg n,RS", "mtspr 272+n,RS", guard=lambda RS, n: 0 <= n < 8)
alias("mftb RT", "mftb RT,268", printed=False)
alias("mftbu RT", "mftb RT,269", printed=False)

# -- storage: operands left out where they are 0
for _size in "bhwdq":
    _rt = "RTp" if _size == "q" else "RT"
    alias(f"l{_size}arx {_rt},RA,RB,[EH]", f"l{_size}arx {_rt},RA,RB,EH")
alias("hwsync", "sync 0")
alias("sync", "sync 0", printed=False)
alias("msync", "sync 0", printed=False)
alias("lwsync", "sync 1")
alias("ptesync", "sync 2")
alias("dcbf RA,RB", "dcbf RA,RB,0")
alias("dcbfl RA,RB", "dcbf RA,RB,1")
alias("dcbflp RA,RB", "dcbf RA,RB,3", printed=False)
for _touch in ("dcbt", "dcbtst"):
    alias(f"{_touch}ct RA,RB,[TH]", f"{_touch} RA,RB,TH", guard=lambda RA, RB, TH: TH < 8)
    alias(f"{_touch}ds RA,RB", f"{_touch} RA,RB,8")
    alias(f"{_touch}ds RA,RB,TH", f"{_touch} RA,RB,TH", guard=lambda RA, RB, TH: 8 <= TH < 16)
    alias(f"{_touch}t RA,RB", f"{_touch} RA,RB,16")
    alias(f"{_touch} RA,RB", f"{_touch} RA,RB,0", printed=False)
alias("icbt [CT],RA,RB", "icbt CT,RA,RB")
alias("wait", "wait 0")
alias("sc [LEV]", "sc LEV")
alias("mtmsrd RS,[L15]", "mtmsrd RS,L15")
alias("mtmsr RS,[L15]", "mtmsr RS,L15")
alias("tlbie RB", "tlbie RB,0,0,0,0", printed=False)
alias("tlbiel RB", "tlbiel RB,0,0,0,0")
for _tlbie in ("tlbie", "tlbiel"):
    alias(f"{_tlbie} RB,RS,[RIC],[PRS],[R]", f"{_tlbie} RB,RS,RIC,PRS,R")
alias("slbia [IH]", "slbia IH")

# -- transactional memory
alias("tend.", "tend. 0")
alias("tendall.", "tend. 1")
alias("tsuspend.", "tsr. 0")
alias("tresume.", "tsr. 1")
alias("tbegin. [L]", "tbegin. L")

# -- FPSCR
alias("mtfsfi[.] BFF,U,[FW]", "mtfsfi[.] BFF,U,FW")
alias("mtfsf[.] FLM,FRB,[FL],[FW]", "mtfsf[.] FLM,FRB,FL,FW")

# -- fixed point of ISA 3.0
alias("lnia RT", "addpcis RT,0")
alias("subpcis RT,n", "addpcis RT,-1*n", printed=False)

# -- VSX: registers by the names of the older files, and common permutations
for _move in ("d", "wz"):
    alias(f"mffpr{_move} RA,FRS", f"mfvsr{_move} RA,FRS", guard=lambda RA, FRS: FRS < 32)
    alias(f"mfvr{_move} RA,VRS", f"mfvsr{_move} RA,VRS+32", guard=lambda RA, VRS: 0 <= VRS < 32)
for _move in ("d", "wa", "wz"):
    alias(f"mtfpr{_move} FRT,RA", f"mtvsr{_move} FRT,RA", guard=lambda FRT, RA: FRT < 32)
    alias(f"mtvr{_move} VRT,RA", f"mtvsr{_move} VRT+32,RA", guard=lambda VRT, RA: 0 <= VRT < 32)
alias("xxspltd XT,XA,n", "xxpermdi XT,XA,XA,3*n", guard=lambda XT, XA, n: n in (0, 1))
alias("xxswapd XT,XA", "xxpermdi XT,XA,XA,2")
alias("xxmrghd XT,XA,XB", "xxpermdi XT,XA,XB,0")
alias("xxmrgld XT,XA,XB", "xxpermdi XT,XA,XB,3")
alias("xvmovdp XT,XA", "xvcpsgndp XT,XA,XA")
alias("xvmovsp XT,XA", "xvcpsgnsp XT,XA,XA")
alias("xxmr XT,XA", "xxlor XT,XA,XA")
alias("xxlnot XT,XA", "xxlnor XT,XA,XA")
alias("rfebb", "rfebb 1")
