"""XLA's compiled programs on disk: the second training of a shape, in any process, compiles nothing."""

from pathlib import Path


def enable(folder: Path) -> None:
    """Keep every compiled program of this process under `folder`, from now on.

    Compiling the trainer takes seconds and reading it back milliseconds. JAX by default keeps
    only what took more than a second, which leaves out the many small programs that together cost
    as much.
    """
    import jax

    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": 0,
    }
    for name, value in settings.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call] # JAX leaves it untyped.
