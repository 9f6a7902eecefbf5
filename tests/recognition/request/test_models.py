"""Which base version and which training serve a request."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.customization import language_models
from chalicelib.engines import catalogue
from chalicelib.engines.protocol import CustomModels
from chalicelib.recognition.decoding.fetched_model import FetchedModel
from chalicelib.recognition.request import models
from chalicelib.recognition.request.models import ModelArtefact, ServingModel, choose
from chalicelib.recognition.request.options import Options
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.layout import adapted_model_key, language_model_key
from chalicelib.storage.tables import AcousticModel, LanguageModel
from tests import custom_models
from tests.custom_models import OWNER
from tests.installed_engines import NEURAL

OLD, NEW = "en-US_BroadbandModel.v2018-07-31", "en-US_BroadbandModel.v2020-01-16"
NEWEST = "en-US_BroadbandModel.v2026-11-30"
STRANGER = "00000000-0000-4000-8000-000000000000"
GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

pytestmark = pytest.mark.usefixtures("account")


def promoted(version: str = NEW, **changes: Any) -> AcousticModel:
    """A model whose second run is promoted."""
    model = custom_models.new()
    attributes = {"status": "available", "run": 2, "promoted_run": 2, "promoted_sha256": "ab" * 32}
    for name, value in {**attributes, "promoted_version": version, **changes}.items():
        setattr(model, name, value)
    model.save()
    return model


def using(custom: AcousticModel, **options: Any) -> Options:
    return Options(acoustic_customization_id=custom.customization_id, **options)


def test_without_anything_the_newest_version_of_the_default_model() -> None:
    newest = catalogue.BASE_MODELS["en-US_BroadbandModel"].newest_version
    assert choose(OWNER, Options()) == ServingModel(newest, None)


def test_a_version_that_was_asked_for() -> None:
    assert choose(OWNER, Options(base_model_version=OLD)) == ServingModel(OLD, None)


def test_another_model() -> None:
    narrowband = Options(model="en-US_NarrowbandModel")
    assert choose(OWNER, narrowband).base_version.startswith("en-US_NarrowbandModel.v")


def test_a_model_that_is_not_served() -> None:
    with pytest.raises(
        models.UnknownModel,
        match=r"^Model xx-XX_BroadbandModel not found: this service has en-US_BroadbandModel, en-US_NarrowbandModel",
    ):
        choose(OWNER, Options(model="xx-XX_BroadbandModel"))


@pytest.mark.parametrize("version", ["en-US_NarrowbandModel.v2019-06-24", "newest"])
def test_a_version_that_the_model_does_not_have(version: str) -> None:
    with pytest.raises(
        models.WrongBase, match=f"'{version}' not found: en-US_BroadbandModel has {OLD}, {NEW}"
    ):
        choose(OWNER, Options(base_model_version=version))


def test_a_trained_model_serves_with_its_promoted_run() -> None:
    model = promoted(NEWEST)
    key = adapted_model_key(OWNER, model.customization_id, 2)
    assert choose(OWNER, using(model)) == ServingModel(NEWEST, ModelArtefact(key, "ab" * 32))


@pytest.mark.parametrize("status", ["pending", "ready", "training", "upgrading", "failed"])
def test_a_model_trained_before_serves_whatever_it_does_now(status: str) -> None:
    model = promoted(status=status, run=3)
    adapted = choose(OWNER, using(model)).adapted_model
    assert adapted is not None
    assert "/000002/" in adapted.key


@pytest.mark.parametrize("status", ["pending", "ready", "training", "failed"])
def test_a_model_that_was_never_trained(status: str) -> None:
    model = custom_models.new()
    model.status = status
    model.save()
    with pytest.raises(models.NotAvailable) as raised:
        choose(OWNER, using(model))
    assert str(raised.value) == (
        "Requested custom acoustic model is not available. Please make sure the custom model is trained."
    )


def test_an_unknown_and_a_foreign_model_look_the_same() -> None:
    model = promoted()
    for owner, customization_id in ((OWNER, GUID), (STRANGER, model.customization_id)):
        with pytest.raises(models.UnknownCustomization) as raised:
            choose(owner, Options(acoustic_customization_id=customization_id))
        assert str(raised.value) == f"Invalid customization_id '{customization_id}' for user"


def language(version: str = NEW, **changes: Any) -> LanguageModel:
    """A language model whose third run is promoted."""
    model = language_models.create(OWNER, name="menu", base_model_name="en-US_BroadbandModel")
    attributes = {"promoted_run": 3, "promoted_sha256": "cd" * 32, "trained_grammars": {"orders"}}
    for name, value in {**attributes, "promoted_version": version, **changes}.items():
        setattr(model, name, value)
    model.save()
    return model


def both(acoustic: AcousticModel, other: LanguageModel, **options: Any) -> Options:
    return using(acoustic, language_customization_id=other.customization_id, **options)


def test_a_language_model_serves_alone_and_beside_an_acoustic_one() -> None:
    model, acoustic = language(), promoted()
    artefact = ModelArtefact(language_model_key(OWNER, model.customization_id, 3), "cd" * 32)
    alone = choose(OWNER, Options(language_customization_id=model.customization_id))
    assert alone == ServingModel(NEW, None, (models.OLDER_BASE_VERSION,), artefact, ("orders",))
    assert ServingModel.from_json(alone.to_json()) == alone
    serving = choose(OWNER, both(acoustic, model, grammar_name="orders"))
    assert serving.adapted_model == choose(OWNER, using(acoustic)).adapted_model
    assert serving.language_model == artefact


def test_a_language_model_that_cannot_serve() -> None:
    acoustic = promoted()
    for customization_id in (GUID, acoustic.customization_id):
        with pytest.raises(models.UnknownCustomization, match=f"'{customization_id}' for user"):
            choose(OWNER, Options(language_customization_id=customization_id))
    with pytest.raises(models.NotAvailable) as raised:
        choose(OWNER, both(acoustic, language(promoted_run=None)))
    assert str(raised.value) == (
        "Requested custom language model is not available. Please make sure the custom model is trained."
    )
    with pytest.raises(models.UnknownGrammar, match="'other' is not available"):
        choose(OWNER, both(acoustic, language(), grammar_name="other"))


@pytest.mark.parametrize(
    ("acoustic", "linguistic", "wanted", "served"),
    [
        ((OLD,), (OLD,), None, OLD),
        ((NEWEST,), (NEWEST,), None, NEWEST),
        ((NEWEST, OLD), (OLD,), None, OLD),
        ((OLD,), (NEWEST, OLD), None, OLD),
        ((NEWEST, OLD), (NEWEST, OLD), None, NEWEST),
        ((NEWEST, OLD), (NEWEST, OLD), OLD, OLD),
    ],
)
def test_two_models_serve_on_the_newest_version_of_both(
    acoustic: tuple[str, ...], linguistic: tuple[str, ...], wanted: str | None, served: str
) -> None:
    def older(versions: tuple[str, ...]) -> dict[str, Any]:
        return {"older_run": 1, "older_version": OLD, "older_sha256": "ee" * 32} if len(versions) > 1 else {}

    first = promoted(acoustic[0], **older(acoustic))
    second = language(linguistic[0], **older(linguistic))
    serving = choose(OWNER, both(first, second, base_model_version=wanted))
    assert serving.base_version == served
    assert serving.adapted_model is not None
    assert ("/000001/" in serving.adapted_model.key) == (acoustic[0] != served)
    assert bool(serving.warnings) == (served == OLD)


def test_a_grammar_serves_on_the_versions_that_were_trained_with_it() -> None:
    older = {"older_run": 1, "older_version": OLD, "older_sha256": "ee" * 32, "older_grammars": {"former"}}
    model = language(NEW, **older)

    def grammars(version: str, grammar: str) -> tuple[str, ...]:
        customization_id = model.customization_id
        return choose(
            OWNER,
            Options(
                language_customization_id=customization_id, base_model_version=version, grammar_name=grammar
            ),
        ).grammars

    for version, grammar, other in ((NEW, "orders", "former"), (OLD, "former", "orders")):
        assert grammars(version, grammar) == (grammar,)
        with pytest.raises(models.UnknownGrammar, match=f"'{other}' is not available"):
            grammars(version, other)
    with pytest.raises(models.UnknownGrammar):
        choose(OWNER, both(promoted(OLD), model, grammar_name="orders"))


def test_two_models_without_a_common_version() -> None:
    with pytest.raises(models.WrongBase, match="not trained on the same version"):
        choose(OWNER, both(promoted(NEW), language(OLD)))


def test_the_base_model_must_be_that_of_the_custom_model() -> None:
    model = promoted()
    with pytest.raises(models.WrongBase, match="is built on en-US_BroadbandModel, not on en-US_Narrowband"):
        choose(OWNER, using(model, model="en-US_NarrowbandModel"))


def test_an_older_base_version_serves_with_a_warning() -> None:
    serving = choose(OWNER, using(promoted(OLD, versions=[OLD])))
    assert serving.base_version == OLD
    assert serving.adapted_model is not None
    (warning,) = serving.warnings
    assert warning.startswith(
        "Using previous version of base model, because your custom model has been built with it. "
        "Please note that this version will be supported only for a limited time."
    )


def test_a_model_of_the_light_engine_is_served_by_it_with_a_warning() -> None:
    serving = choose(OWNER, using(promoted(NEW)))
    assert (serving.base_version, serving.warnings) == (NEW, (models.OLDER_BASE_VERSION,))


def test_where_only_the_light_engine_is_adapted_its_version_is_the_newest_for_custom_models(
    only_sphinx_adapts: None,
) -> None:
    light, network = choose(OWNER, using(promoted(NEW))), choose(OWNER, using(promoted(NEWEST)))
    assert (light.base_version, light.warnings) == (NEW, ())
    assert (network.base_version, network.warnings) == (NEWEST, ()), "what was made stays served"
    assert network.adapted_model is not None


def test_the_version_of_the_training_may_be_asked_for_and_no_other() -> None:
    model = promoted(OLD, versions=[OLD, NEW])
    assert choose(OWNER, using(model, base_model_version=OLD)).base_version == OLD
    with pytest.raises(models.WrongBase, match=f"'{NEW}': it is trained on '{OLD}'"):
        choose(OWNER, using(model, base_model_version=NEW))


def test_a_base_version_that_is_gone_serves_as_the_plain_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    model = promoted(OLD)
    base = catalogue.BASE_MODELS["en-US_BroadbandModel"]
    for models_by_name in (catalogue.KNOWN_MODELS, catalogue.BASE_MODELS):
        monkeypatch.setitem(models_by_name, base.name, dataclasses.replace(base, versions=base.versions[1:]))
    serving = choose(OWNER, using(model))
    assert (serving.base_version, serving.adapted_model) == (base.newest_version, None)
    assert serving.warnings == (
        "Using non-customized default base model, because your custom acoustic model has been built with "
        "a version of the base model that is no longer supported.",
    )


def test_a_custom_model_whose_engine_is_missing_says_so(request: pytest.FixtureRequest) -> None:
    model = promoted(NEW)
    request.getfixturevalue("without_sphinx")
    for options in (using(model), using(model, base_model_version=NEW)):
        with pytest.raises(models.WrongBase) as refused:
            choose(OWNER, options)
        assert str(refused.value) == (
            f"Base model version '{NEW}' is not served here: this installation does without its engine "
            "'sphinx' (Python package pocketsphinx, ready-made for Python 3.11 and 3.13). "
            f"Use version '{NEURAL}', upgrading the custom model if there is one, "
            "or ask the operator of this service to install that engine."
        )


def test_no_version_is_recommended_that_takes_no_custom_model(
    request: pytest.FixtureRequest, only_sphinx_adapts: None
) -> None:
    model = promoted(NEW)
    request.getfixturevalue("without_sphinx")
    with pytest.raises(
        models.WrongBase, match=r"3\.13\)\. Ask the operator of this service to install it\.$"
    ):
        choose(OWNER, using(model))


def test_an_upgraded_model_serves_where_the_engine_of_its_older_version_is_missing(
    request: pytest.FixtureRequest,
) -> None:
    model = promoted(NEURAL, versions=[NEW, NEURAL], older_version=NEW, older_run=1, older_sha256="cd" * 32)
    request.getfixturevalue("without_sphinx")
    serving = choose(OWNER, using(model))
    assert (serving.base_version, serving.warnings) == (NEURAL, ())


def test_a_model_none_of_whose_versions_is_served_says_why(without_sphinx: object) -> None:
    with pytest.raises(
        models.UnknownModel, match=r"en-US_Telephony not found: Base model version .* 'sphinx'"
    ):
        choose(OWNER, Options(model="en-US_Telephony"))


def test_a_connection_learns_which_version_takes_its_large_grammars() -> None:
    newest = catalogue.BASE_MODELS["en-US_BroadbandModel"].newest_version
    model = language(newest, promoted_also=[NEW], large_grammars={"orders"})
    connected = choose(OWNER, Options(language_customization_id=model.customization_id))
    assert (connected.base_version, connected.large_grammars) == (newest, ("orders",))
    assert connected.large_grammars_version == NEW
    assert ServingModel.from_json(json.loads(json.dumps(connected.to_json()))) == connected
    files = FetchedModel(
        connected.base_version,
        CustomModels(language_model=Path("language")),
        large_grammars=connected.large_grammars,
        large_grammars_version=connected.large_grammars_version,
    )
    assert files.asked(Options(grammar_name="orders")).base_version == NEW
    assert files.asked(Options()).base_version == newest
    small = language(newest, promoted_also=[NEW])
    assert choose(OWNER, Options(language_customization_id=small.customization_id)).large_grammars == ()


def kept(*versions: tuple[int, str]) -> AcousticModel:
    """A model that keeps these versions, of which the last one is current."""
    made = [KeptVersion(number, datetime.now(UTC), base, f"{number:064d}") for number, base in versions]
    model = promoted(made[-1].base_version, promoted_run=made[-1].version, promoted_sha256=made[-1].sha256)
    model.kept = [one.to_text() for one in made]
    model.save()
    return model


@pytest.mark.parametrize("base", [NEW, NEWEST])
def test_a_version_that_was_asked_for_serves_of_either_engine(base: str) -> None:
    model = kept((1, base), (3, base))
    for version, wanted in ((None, 3), (3, 3), (1, 1)):
        serving = choose(OWNER, using(model, acoustic_customization_version=version))
        key = adapted_model_key(OWNER, model.customization_id, wanted)
        assert serving.adapted_model == ModelArtefact(key, f"{wanted:064d}")
        assert serving.base_version == base


def test_a_version_on_an_older_base_version_serves_with_a_warning() -> None:
    model = kept((1, OLD), (2, NEWEST))
    asked = using(model, acoustic_customization_version=1)
    serving = choose(OWNER, asked)
    assert (serving.base_version, serving.warnings) == (OLD, (models.OLDER_BASE_VERSION,))
    assert choose(OWNER, dataclasses.replace(asked, base_model_version=OLD)) == serving
    with pytest.raises(models.WrongBase, match=f"'{NEWEST}': it is trained on '{OLD}'"):
        choose(OWNER, dataclasses.replace(asked, base_model_version=NEWEST))


def test_a_version_beside_a_language_model_on_the_same_base_version() -> None:
    model, linguistic = kept((1, OLD), (2, NEWEST)), language(OLD)
    serving = choose(OWNER, both(model, linguistic, acoustic_customization_version=1))
    assert (serving.base_version, serving.adapted_model, serving.language_model) == (
        OLD,
        ModelArtefact(adapted_model_key(OWNER, model.customization_id, 1), f"{1:064d}"),
        ModelArtefact(language_model_key(OWNER, linguistic.customization_id, 3), "cd" * 32),
    )
    with pytest.raises(models.WrongBase, match="not trained on the same version"):
        choose(OWNER, both(model, linguistic, acoustic_customization_version=2))


def test_a_version_whose_base_version_is_gone_is_answered_by_the_base() -> None:
    model = kept((1, "en-US_BroadbandModel.v2001-01-01"), (2, NEWEST))
    serving = choose(OWNER, using(model, acoustic_customization_version=1))
    assert (serving.base_version, serving.adapted_model) == (NEWEST, None)
    assert serving.warnings == (models.BASE_VERSION_GONE.format(kind="acoustic"),)


def test_an_unknown_version_names_those_that_are_there() -> None:
    model = kept((1, NEW), (3, NEW))
    with pytest.raises(models.UnknownVersion) as raised:
        choose(OWNER, using(model, acoustic_customization_version=2))
    assert str(raised.value) == f"Customization '{model.customization_id}' has no version 2; it has 3 and 1."
