CARDS = {name: str(data_folder(STUDY, name) / "card.json") for name in STUDY.datasets}
DATASETS = {Path(card).parent.name: name for name, card in CARDS.items()}


rule prepare:
    output:
        card="results/data/{folder}/card.json",
        arrays=expand(
            "results/data/{{folder}}/{split}_{part}.npy",
            split=("train", "validation", "test"),
            part=("images", "labels"),
        ),
    log:
        "results/data/{folder}.log",
    wildcard_constraints:
        folder="|".join(map(re.escape, DATASETS)),
    threads: workflow.cores or 1
    params:
        dataset=lambda wildcards: DATASETS[wildcards.folder],
    message:
        "preparing {params.dataset}"
    shell:
        "bakeoff prepare {STUDY_ARGUMENTS} {params.dataset} --threads {threads} > {log} 2>&1"


# Builds every model, optimizer, schedule and augmentation once: what cannot work fails before training.
rule check:
    input:
        CARDS.values(),
    output:
        LAYOUT.plan,
    log:
        LAYOUT.folder / "logs" / "check.log",
    params:
        study=digest([STUDY.entries, [cell.key for cell in STUDY.cells], STUDY.device]),
    shell:
        "bakeoff check {STUDY_ARGUMENTS} > {log} 2>&1"
