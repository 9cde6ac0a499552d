# Per session: clean, connect (cortex + connectivity + features), quality page.
rule clean_session:
    input:
        session_inputs,
        stale=unless_stale("clean", "session"),
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
        made_with=made_with_of("clean", "session"),
    message:
        "cleaning {wildcards.session}"
    shell:
        "python -m painconn step clean --out {params.out:q} --name {wildcards.session:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule connect_session:
    input:
        cleaned=str(RESULTS.cleaned(None)),
        forward=forward_of_session,
        stale=unless_stale("connect", "session"),
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
        made_with=made_with_of("connect", "session"),
    message:
        "cortex, connectivity and features of {wildcards.session}"
    shell:
        "python -m painconn step connect --out {params.out:q} --name {wildcards.session:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule write_quality_page:
    input:
        str(RESULTS.cleaned(None)),
        stale=unless_stale("quality_page", "session"),
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
        made_with=made_with_of("quality_page", "session"),
    message:
        "quality page of {wildcards.session}"
    shell:
        "python -m painconn step quality_page --out {params.out:q} --name {wildcards.session:q}"
        " --made-with {params.made_with:q} > {log:q} 2>&1"
