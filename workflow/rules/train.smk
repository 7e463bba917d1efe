RUNS = {run.key: run for run in runs(STUDY)}


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
