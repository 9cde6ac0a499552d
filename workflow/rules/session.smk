# Per session: clean, connect (cortex + connectivity + features), quality page.
rule clean_session:
    input:
        session_inputs,
    output:
        str(RESULTS.cleaned(None)),
    log:
        log_of("clean", "{folder}/{session}"),
    benchmark:
        benchmark_of("clean", "{folder}/{session}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1500),
    params:
        out=results_folder,
        settings=settings_clean,
        code=code_of("clean"),
    message:
        "cleaning {wildcards.session}"
    shell:
        "python -m painconn step clean --out {params.out:q} --name {wildcards.session:q}"
        " --settings {params.settings:q} > {log:q} 2>&1"


rule connect_session:
    input:
        cleaned=str(RESULTS.cleaned(None)),
        forward=forward_of_session,
    output:
        str(RESULTS.connectivity(None)),
    log:
        log_of("connect", "{folder}/{session}"),
    benchmark:
        benchmark_of("connect", "{folder}/{session}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1500),
    params:
        out=results_folder,
        settings=settings_connect,
        code=code_of("connect"),
    message:
        "cortex, connectivity and features of {wildcards.session}"
    shell:
        "python -m painconn step connect --out {params.out:q} --name {wildcards.session:q}"
        " --settings {params.settings:q} > {log:q} 2>&1"


rule write_quality_page:
    input:
        str(RESULTS.cleaned(None)),
    output:
        str(RESULTS.quality_page(None)),
    log:
        log_of("quality_page", "{folder}/{session}"),
    benchmark:
        benchmark_of("quality_page", "{folder}/{session}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(500),
    params:
        out=results_folder,
        code=code_of("quality_page"),
    message:
        "quality page of {wildcards.session}"
    shell:
        "python -m painconn step quality_page --out {params.out:q} --name {wildcards.session:q} > {log:q} 2>&1"
