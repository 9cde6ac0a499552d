# Per study the table and the report; per target compare, predict, agreement, audit, model.
rule gather_table:
    input:
        sessions=connectivity_of_all,
        tables=tables_of_the_user,
        stale=unless_stale("table"),
    output:
        str(RESULTS.table),
    log:
        log_of("table", "table"),
    benchmark:
        benchmark_of("table", "table")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        out=results_folder,
        settings=settings_table,
        made_with=made_with_of("table"),
    message:
        "table of all observations"
    shell:
        "python -m painconn step table --out {params.out:q} --settings {params.settings:q}"
        " --made-with {params.made_with:q} > {log:q} 2>&1"


rule compare_target:
    input:
        str(RESULTS.table),
        stale=unless_stale("compare", "target"),
    output:
        str(RESULTS.target(None, "declaration.json")),
    log:
        log_of("compare", "{target}"),
    benchmark:
        benchmark_of("compare", "{target}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        out=results_folder,
        settings=settings_target,
        made_with=made_with_of("compare", "target"),
    message:
        "comparison for target {wildcards.target}"
    shell:
        "python -m painconn step compare --out {params.out:q} --name {wildcards.target:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule predict_target:
    input:
        str(RESULTS.table),
        stale=unless_stale("predict", "target"),
    output:
        str(RESULTS.target(None, "scores.json")),
    log:
        log_of("predict", "{target}"),
    benchmark:
        benchmark_of("predict", "{target}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        out=results_folder,
        settings=settings_target,
        made_with=made_with_of("predict", "target"),
    message:
        "prediction for target {wildcards.target}"
    shell:
        "python -m painconn step predict --out {params.out:q} --name {wildcards.target:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule agree_target:
    input:
        str(RESULTS.table),
        str(RESULTS.target(None, "declaration.json")),
        str(RESULTS.target(None, "scores.json")),
        stale=unless_stale("agreement", "target"),
    output:
        str(RESULTS.target(None, "agreement.json")),
    log:
        log_of("agreement", "{target}"),
    benchmark:
        benchmark_of("agreement", "{target}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        out=results_folder,
        settings=settings_target,
        made_with=made_with_of("agreement", "target"),
    message:
        "agreement of the inverses for target {wildcards.target}"
    shell:
        "python -m painconn step agreement --out {params.out:q} --name {wildcards.target:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule audit_target:
    input:
        str(RESULTS.table),
        str(RESULTS.target(None, "declaration.json")),
        str(RESULTS.target(None, "scores.json")),
        stale=unless_stale("audit", "target"),
    output:
        str(RESULTS.target(None, "audit.json")),
    log:
        log_of("audit", "{target}"),
    benchmark:
        benchmark_of("audit", "{target}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        out=results_folder,
        settings=settings_audit,
        made_with=made_with_of("audit", "target"),
    message:
        "audit of target {wildcards.target}"
    shell:
        "python -m painconn step audit --out {params.out:q} --name {wildcards.target:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule save_model:
    input:
        str(RESULTS.table),
        str(RESULTS.target(None, "scores.json")),
        stale=unless_stale("model", "target"),
    output:
        str(RESULTS.target(None, "model.json")),
    log:
        log_of("model", "{target}"),
    benchmark:
        benchmark_of("model", "{target}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        out=results_folder,
        settings=settings_model,
        made_with=made_with_of("model", "target"),
    message:
        "interpretation and model file of target {wildcards.target}"
    shell:
        "python -m painconn step model --out {params.out:q} --name {wildcards.target:q}"
        " --settings {params.settings:q} --made-with {params.made_with:q} > {log:q} 2>&1"


rule write_report:
    input:
        str(RESULTS.table),
        agreements_of_all,
        audits_of_all,
        models_of_all,
        quality_pages_of_all,
        stale=unless_stale("report"),
    output:
        str(RESULTS.page),
    log:
        log_of("report", "report"),
    benchmark:
        benchmark_of("report", "report")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        out=results_folder,
        settings=settings_report,
        made_with=made_with_of("report"),
    message:
        "report"
    shell:
        "python -m painconn step report --out {params.out:q} --settings {params.settings:q}"
        " --made-with {params.made_with:q} > {log:q} 2>&1"
