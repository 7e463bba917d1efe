RUNS = {run.key: run for run in runs(STUDY)}
# Frozen backbones whose outputs are kept: the folder, named by what decides them, and the data.
FEATURES = {
    folder.name: CARDS[cell.dataset]
    for cell in STUDY.cells
    if (folder := features_folder(STUDY, cell))
}


rule features:
    input:
        lambda wildcards: FEATURES[wildcards.folder],
    output:
        "results/features/{folder}/card.json",
        expand(
            "results/features/{{folder}}/{split}.npy",
            split=("train", "validation", "test"),
        ),
    log:
        "results/features/{folder}.log",
    wildcard_constraints:
        folder="|".join(map(re.escape, FEATURES)) or "none",
    threads: workflow.cores or 1
    resources:
        gpu=gpus_of_a_run(STUDY.device),
    message:
        "computing features {wildcards.folder}"
    shell:
        'bakeoff features "${{study[@]}}" {wildcards.folder} --threads {threads} >> {log} 2>&1'


rule train:
    input:
        lambda wildcards: LAYOUT.needed_by(STUDY, RUNS[wildcards.run]),
    output:
        LAYOUT.runs / "{run}" / "result.json",
        LAYOUT.runs / "{run}" / "history.csv",
        LAYOUT.runs / "{run}" / "predictions.npz",
        LAYOUT.runs / "{run}" / "model.safetensors",
    log:
        LAYOUT.folder / "logs" / "{run}.log",
    threads: STUDY.threads
    resources:
        gpu=gpus_of_a_run(STUDY.device),
    params:
        specification=lambda wildcards: specification_hash(STUDY, RUNS[wildcards.run]),
    message:
        "training {wildcards.run}"
    shell:
        'bakeoff train "${{study[@]}}" {wildcards.run} --threads {threads} >> {log} 2>&1'
