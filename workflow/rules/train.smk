RUNS = {run.key: run for run in runs(STUDY)}


def run_of(wildcards):
    return RUNS[wildcards.run]


def starting_weights(wildcards):
    origin = parent(STUDY, run_of(wildcards))
    return [LAYOUT.run(origin).model] if origin else []


rule train:
    input:
        plan=lambda wildcards: PLANS[run_of(wildcards).experiment],
        card=lambda wildcards: CARDS[run_of(wildcards).dataset],
        weights=starting_weights,
    output:
        LAYOUT.runs / "{run}" / "result.json",
        LAYOUT.runs / "{run}" / "history.csv",
        LAYOUT.runs / "{run}" / "predictions.npz",
        LAYOUT.runs / "{run}" / "model.safetensors",
    log:
        LAYOUT.folder / "logs" / "{run}.log",
    threads: STUDY.threads
    resources:
        gpu=(
            0
            if STUDY.device == "cpu"
            else 1 if Path("/dev/nvidiactl").exists() or STUDY.device == "cuda" else 0
        ),
    params:
        specification=lambda wildcards: specification_hash(STUDY, run_of(wildcards)),
    message:
        "training {wildcards.run}"
    shell:
        "bakeoff train {STUDY_ARGUMENTS} {wildcards.run} --threads {threads} >> {log} 2>&1"
