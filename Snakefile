# What `snakemake` finds in this folder. The workflow is a file of its own, where Snakemake's catalog looks for it.
include: "workflow/Snakefile"


workflow.default_target = "all"  # Snakemake takes none from an included file
