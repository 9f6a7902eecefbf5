"""The demonstration: real or synthesised telephone speech, adapted to and measured."""
