"""Compile a kernel for an Nvidia GPU, and launch it.

    load(layout, architecture)                           a Launch, or raises Unavailable
    compile_for(source, defines, architecture, nvrtc)    machine code; needs no GPU
    resources(layout, architecture, nvrtc)               registers and spills; needs no GPU

The compiler (NVRTC) and the driver are called through cuda-bindings, which come with torch's CUDA builds.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from enu_lib.base.faults import Unavailable

FOLDER = Path(__file__).parent
INCLUDES = tuple(FOLDER / name for name in ("maze.h", "cells.h", "tiles.h"))
OPTIONS = ("--std=c++17", "-default-device", "--ftz=true")
CACHING = (12, 9)  # first version of NVRTC that keeps kernels on disk
OLDEST = (8, 0)  # compute capability of the first GPUs with TF32 in their tensor cores
REGISTERS = 65536  # of a multiprocessor
RESERVED = 1024  # bytes of shared memory that the system takes for each block

Launch = Callable[[tuple[int, int], tuple[ctypes.Structure, ...]], None]  # runs the kernel, given its grid and its arguments


class Plan(NamedTuple):
    """Layout of a launch: in each block of threads, a kernel runs one offspring in `environments` environments."""

    kernel: str  # name of the function
    environments: int
    threads: int
    shared: int  # bytes of shared memory
    blocks: int  # number that share a multiprocessor
    defines: tuple[str, ...]

    @property
    def source(self) -> Path:
        return FOLDER / {"lives": "life.cu", "units": "units.cu"}[self.kernel]


def load(layout: Plan, architecture: str) -> Launch:
    """Compile the kernel for a layout and an architecture, and load it.  Raises Unavailable if that is not possible here."""
    if torch.version.hip:
        raise Unavailable("it needs an Nvidia GPU")
    try:
        from cuda.bindings import driver, nvrtc

        binary = compile_for(layout.source, layout.defines, architecture, nvrtc)
        torch.cuda.synchronize()  # makes sure that this thread has a driver context
        module = _ok(driver.cuModuleLoadData(binary))
    except ImportError:
        raise Unavailable("pip install cuda-bindings") from None
    except RuntimeError as error:  # includes cuda-bindings finding no compiler or driver
        raise Unavailable(str(error).partition("\n")[0]) from None
    function = _ok(driver.cuModuleGetFunction(module, layout.kernel.encode()))
    most = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    _ok(driver.cuFuncSetAttribute(function, most, layout.shared))

    def launch(grid: tuple[int, int], structures: tuple[ctypes.Structure, ...]) -> None:
        stream = torch.cuda.current_stream().cuda_stream
        arguments = structures, (None,) * len(structures)
        _ok(driver.cuLaunchKernel(function, *grid, 1, layout.threads, 1, 1, layout.shared, stream, arguments, 0))

    return launch


def compile_for(source: Path, defines: tuple[str, ...], architecture: str, nvrtc: Any) -> bytes:
    """Machine code of a kernel for an architecture such as sm_90; does not need a GPU."""
    return _compiled(source, defines, architecture, nvrtc)[0]


class Resources(NamedTuple):
    """What a kernel uses of a multiprocessor, according to the compiler."""

    registers: int  # per thread
    spilled: int  # bytes per thread that do not fit in registers: stores plus loads


def resources(layout: Plan, architecture: str, nvrtc: Any) -> Resources:
    """What a layout's kernel uses on an architecture such as sm_90; needs no GPU."""
    fresh = ("--no-cache",) if tuple(nvrtc.nvrtcVersion()[1:]) >= CACHING else ()  # the log of a cached kernel is empty
    log = _compiled(layout.source, (*layout.defines, "--ptxas-options=-v", *fresh), architecture, nvrtc)[1].strip("\0 \n")
    registers, spills = re.findall(r"Used (\d+) registers", log), re.findall(r"(\d+) bytes spill", log)
    if not registers or not spills:
        raise Unavailable(f"the compiler does not report the registers of {layout.source.name}: {log or 'empty log'}")
    return Resources(max(map(int, registers)), sum(map(int, spills)))


def _compiled(source: Path, options: tuple[str, ...], architecture: str, nvrtc: Any) -> tuple[bytes, str]:
    """Machine code, and the compiler's log."""
    headers = [path.read_bytes() for path in INCLUDES], [path.name.encode() for path in INCLUDES]
    program = _ok(nvrtc.nvrtcCreateProgram(source.read_bytes(), source.name.encode(), len(INCLUDES), *headers))
    told = [o.encode() for o in (f"--gpu-architecture={architecture}", *OPTIONS, *options)]
    (failed,) = nvrtc.nvrtcCompileProgram(program, len(told), told)
    log = b" " * (1 + _ok(nvrtc.nvrtcGetProgramLogSize(program)))  # a fresh buffer: Python shares short bytes objects
    _ok(nvrtc.nvrtcGetProgramLog(program, log))
    said = log.decode(errors="replace")
    if failed:
        lines = [line for line in said.splitlines() if "error" in line] or [str(failed)]
        raise Unavailable(f"{source.name} could not be compiled for {architecture}: {lines[0]}")
    binary = b" " * _ok(nvrtc.nvrtcGetCUBINSize(program))
    _ok(nvrtc.nvrtcGetCUBIN(program, binary))
    _ok(nvrtc.nvrtcDestroyProgram(program))
    return binary, said


def _ok(returned: tuple[Any, ...]) -> Any:
    """The return value of a CUDA call; raises Unavailable if it failed."""
    error, *values = returned
    if error:
        raise Unavailable(f"CUDA error {error.name}")
    return values[0] if values else None
