# Per head: the head model; per montage and head: the forward solution. Most studies have one head.
rule build_head:
    input:
        files_of_head,
        stale=unless_stale("head", "head"),
    output:
        str(RESULTS.head(None)),
    log:
        log_of("head", "{head}"),
    benchmark:
        benchmark_of("head", "{head}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1500),
    params:
        out=results_folder,
        settings=settings_head,
        made_with=made_with_of("head", "head"),
    message:
        "head model {wildcards.head}"
    shell:
        "python -m painconn step head --out {params.out:q} --name {wildcards.head:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule solve_forward:
    input:
        head_of_forward,
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
