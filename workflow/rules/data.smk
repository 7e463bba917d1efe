CARDS = {name: str(data_folder(STUDY, name) / "card.json") for name in STUDY.datasets}
DATASETS = {Path(card).parent.name: name for name, card in CARDS.items()}

# Data whose files have changed are prepared before jobs are planned: only then is it known whether anything is to be
# trained again. What fails is left to the rule, which says why.
for name, change in (changed_data(STUDY, LAYOUT) if LOOKS else {}).items():
    if not DRY_RUN:
        logger.info(f"{name} is prepared again: {change}")
        prepare_again(ARGUMENTS, name, Path(CARDS[name]))
    elif change != UNKNOWN:
        logger.info(f"{name} would be prepared again: {change}")
        AGAIN.add(name)


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
    conda:
        "../envs/bakeoff.yaml"
    threads: workflow.resource_settings.cores or 1
    params:
        dataset=lambda wildcards: state_of(
            DATASETS[wildcards.folder], DATASETS[wildcards.folder]
        ),
    message:
        "preparing {params.dataset}"
    shell:
        'bakeoff prepare "${{study[@]}}" {params.dataset} --threads {threads} > {log} 2>&1'


# Builds every model, optimizer, schedule and augmentation once: what cannot work fails before training. Plan files are
# named by what they say, so the job is there for new or changed experiments alone, and only their runs depend on it.
# The values of each trial are built, too.
PLANS = {cell: str(plan_file(STUDY, LAYOUT, cell)) for cell in STUDY.cells}
UNCHECKED = unchecked(STUDY, LAYOUT)
CHECK_LOG = LAYOUT.folder / "logs" / "check.log"
if LOOKS and not DRY_RUN and mend_plans(STUDY, LAYOUT, UNCHECKED, ARGUMENTS, CHECK_LOG):
    UNCHECKED = unchecked(STUDY, LAYOUT)


rule check:
    input:
        {
            CARDS[name]
            for part in UNCHECKED
            for cell in part.plans
            for name in checked_on(part.study, cell)
        },
    output:
        sorted({str(path) for part in UNCHECKED for path in part.plans.values()}),
    log:
        CHECK_LOG,
    conda:
        "../envs/bakeoff.yaml"
    shell:
        'bakeoff check "${{study[@]}}" > {log} 2>&1'
