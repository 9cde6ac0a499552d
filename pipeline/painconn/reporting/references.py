"""Works that a methods text cites, by short key."""

REFERENCES: dict[str, str] = {
    "pernet2020": (
        "Pernet C, et al. Issues and recommendations from the OHBM COBIDAS MEEG committee for reproducible EEG and "
        "MEG research. Nat Neurosci 2020. doi:10.1038/s41593-020-00709-0"
    ),
    "gramfort2013": (
        "Gramfort A, et al. MEG and EEG data analysis with MNE-Python. Front Neurosci 2013. "
        "doi:10.3389/fnins.2013.00267"
    ),
    "appelhoff2019": (
        "Appelhoff S, et al. MNE-BIDS: Organizing electrophysiological data into the BIDS format and facilitating "
        "their analysis. J Open Source Softw 2019. doi:10.21105/joss.01896"
    ),
    "molder2021": (
        "Mölder F, et al. Sustainable data analysis with Snakemake. F1000Research 2021. "
        "doi:10.12688/f1000research.29032.2"
    ),
    "bigdely2015": (
        "Bigdely-Shamlo N, et al. The PREP pipeline: standardized preprocessing for large-scale EEG analysis. "
        "Front Neuroinform 2015. doi:10.3389/fninf.2015.00016"
    ),
    "ablin2018": (
        "Ablin P, et al. Faster independent component analysis by preconditioning with Hessian approximations. "
        "IEEE Trans Signal Process 2018. doi:10.1109/TSP.2018.2844203"
    ),
    "pionton2019": (
        "Pion-Tonachini L, et al. ICLabel: An automated electroencephalographic independent component classifier, "
        "dataset, and website. NeuroImage 2019. doi:10.1016/j.neuroimage.2019.05.026"
    ),
    "hauk2022": (
        "Hauk O, Stenroos M, Treder MS. Towards an objective evaluation of EEG/MEG source estimation methods: The "
        "linear approach. NeuroImage 2022. doi:10.1016/j.neuroimage.2022.119177"
    ),
    "palva2018": (
        "Palva JM, et al. Ghost interactions in MEG/EEG source space: A note of caution on inter-areal coupling "
        "measures. NeuroImage 2018. doi:10.1016/j.neuroimage.2018.02.032"
    ),
    "jas2017": (
        "Jas M, et al. Autoreject: Automated artifact rejection for MEG and EEG data. NeuroImage 2017. "
        "doi:10.1016/j.neuroimage.2017.06.030"
    ),
    "fischl2012": "Fischl B. FreeSurfer. NeuroImage 2012. doi:10.1016/j.neuroimage.2012.01.021",
    "desikan2006": (
        "Desikan RS, et al. An automated labeling system for subdividing the human cerebral cortex on MRI scans "
        "into gyral based regions of interest. NeuroImage 2006. doi:10.1016/j.neuroimage.2006.01.021"
    ),
    "schaefer2018": (
        "Schaefer A, et al. Local-global parcellation of the human cerebral cortex from intrinsic functional "
        "connectivity MRI. Cereb Cortex 2018. doi:10.1093/cercor/bhx179"
    ),
    "thomson1982": "Thomson DJ. Spectrum estimation and harmonic analysis. Proc IEEE 1982. doi:10.1109/PROC.1982.12433",
    "whitham2007": (
        "Whitham EM, et al. Scalp electrical recording during paralysis: quantitative evidence that EEG "
        "frequencies above 20 Hz are contaminated by EMG. Clin Neurophysiol 2007. doi:10.1016/j.clinph.2007.04.027"
    ),
    "nichols2002": (
        "Nichols TE, Holmes AP. Nonparametric permutation tests for functional neuroimaging: a primer with "
        "examples. Hum Brain Mapp 2002. doi:10.1002/hbm.1058"
    ),
    "johnson2007": (
        "Johnson WE, Li C, Rabinovic A. Adjusting batch effects in microarray expression data using empirical Bayes "
        "methods. Biostatistics 2007. doi:10.1093/biostatistics/kxj037"
    ),
    "fortin2018": (
        "Fortin JP, et al. Harmonization of cortical thickness measurements across scanners and sites. NeuroImage "
        "2018. doi:10.1016/j.neuroimage.2017.11.024"
    ),
    "hedges1981": (
        "Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators. J Educ Stat "
        "1981. doi:10.3102/10769986006002107"
    ),
    "rouder2009": (
        "Rouder JN, et al. Bayesian t tests for accepting and rejecting the null hypothesis. Psychon Bull Rev "
        "2009. doi:10.3758/PBR.16.2.225"
    ),
    "benjamini1995": (
        "Benjamini Y, Hochberg Y. Controlling the false discovery rate. J R Stat Soc B 1995. "
        "doi:10.1111/j.2517-6161.1995.tb02031.x"
    ),
    "zalesky2010": (
        "Zalesky A, Fornito A, Bullmore ET. Network-based statistic: Identifying differences in brain networks. "
        "NeuroImage 2010. doi:10.1016/j.neuroimage.2010.06.041"
    ),
    "baggio2018": (
        "Baggio HC, et al. Statistical inference in brain graphs using threshold-free network-based statistics. Hum "
        "Brain Mapp 2018. doi:10.1002/hbm.24007"
    ),
    "smith2009": (
        "Smith SM, Nichols TE. Threshold-free cluster enhancement. NeuroImage 2009. "
        "doi:10.1016/j.neuroimage.2008.03.061"
    ),
    "vinokur2015": (
        "Vinokur L, et al. A novel threshold-free network-based statistical method: Demonstration and parameter "
        "optimisation using in vivo simulated pathology. Proc ISMRM 2015;2846."
    ),
    "schuirmann1987": (
        "Schuirmann DJ. A comparison of the two one-sided tests procedure and the power approach for assessing the "
        "equivalence of average bioavailability. J Pharmacokinet Biopharm 1987. doi:10.1007/BF01068419"
    ),
    "lakens2017": (
        "Lakens D. Equivalence tests: A practical primer for t tests, correlations, and meta-analyses. Soc Psychol "
        "Personal Sci 2017. doi:10.1177/1948550617697177"
    ),
    "efron1987": (
        "Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 1987. doi:10.1080/01621459.1987.10478410"
    ),
    "rubin1981": "Rubin DB. The Bayesian bootstrap. Ann Stat 1981. doi:10.1214/aos/1176345338",
    "ojala2010": (
        "Ojala M, Garriga GC. Permutation tests for studying classifier performance. J Mach Learn Res "
        "2010;11:1833-1863."
    ),
    "varoquaux2018": (
        "Varoquaux G. Cross-validation failure: small sample sizes lead to large error bars. NeuroImage 2018. "
        "doi:10.1016/j.neuroimage.2017.06.061"
    ),
    "poldrack2020": (
        "Poldrack RA, Huckins G, Varoquaux G. Establishment of best practices for evidence for prediction: a review. "
        "JAMA Psychiatry 2020. doi:10.1001/jamapsychiatry.2019.3671"
    ),
    "snoek2019": (
        "Snoek L, et al. How to control for confounds in decoding analyses of neuroimaging data. NeuroImage 2019. "
        "doi:10.1016/j.neuroimage.2018.09.074"
    ),
}
