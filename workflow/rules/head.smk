# Study-wide: one head, one forward solution per montage.
rule build_head:
    input:
        stale=unless_stale("head"),
    output:
        str(RESULTS.head),
    log:
        log_of("head", "head"),
    benchmark:
        benchmark_of("head", "head")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1500),
    params:
        out=results_folder,
        settings=settings_head,
        made_with=made_with_of("head"),
    message:
        "head model"
    shell:
        "python -m painconn step head --out {params.out:q} --settings {params.settings:q}"
        " --made-with {params.made_with:q} > {log:q} 2>&1"


rule solve_forward:
    input:
        str(RESULTS.head),
        stale=unless_stale("forward", "montage"),
    output:
        str(RESULTS.forward(None)),
    log:
        log_of("forward", "{montage}"),
    benchmark:
        benchmark_of("forward", "{montage}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1500),
    params:
        out=results_folder,
        settings=settings_forward,
        made_with=made_with_of("forward", "montage"),
    message:
        "forward solution of montage {wildcards.montage}"
    shell:
        "python -m painconn step forward --out {params.out:q} --name {wildcards.montage:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"
