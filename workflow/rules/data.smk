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
    threads: workflow.resource_settings.cores or 1
    params:
        dataset=lambda wildcards: DATASETS[wildcards.folder],
    message:
        "preparing {params.dataset}"
    shell:
        'bakeoff prepare "${{study[@]}}" {params.dataset} --threads {threads} > {log} 2>&1'


# Builds every model, optimizer, schedule and augmentation once: what cannot work fails before training. Plan files are
# named by what they say, so the job is there for new or changed experiments alone, and only their runs depend on it.
PLANS = {cell: str(plan_file(STUDY, LAYOUT, cell)) for cell in STUDY.cells}
UNCHECKED = {cell: plan for cell, plan in PLANS.items() if not Path(plan).exists()}


rule check:
    input:
        {CARDS[cell.dataset] for cell in UNCHECKED},
    output:
        sorted(set(UNCHECKED.values())),
    log:
        LAYOUT.folder / "logs" / "check.log",
    shell:
        'bakeoff check "${{study[@]}}" > {log} 2>&1'
