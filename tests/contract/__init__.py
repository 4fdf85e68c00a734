"""What holds for every object type that is declared: run over the registry, so a new type is tested by being there."""
