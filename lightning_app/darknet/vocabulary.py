"""Which sections and options of a ``.cfg`` are built, read over, or refused, and why.

They are those of the parsers of pjreddie, AlexeyAB and hank-ai (``src/parser.c``). ``docs/reference/compatibility.md``
shows these tables, and a test holds it to them.
"""

from __future__ import annotations

from lightning_app.darknet.activations import ACTIVATIONS

TRAINING_KEYS = frozenset(
    "batch subdivisions time_steps momentum decay angle saturation exposure hue learning_rate burn_in power "
    "max_batches policy steps scales step scale gamma flip max_crop min_crop aspect mosaic cutmix mixup".split()
)
"""Keys of ``[net]`` that nearly every file has for Darknet's training. Our runs are described by YAML."""

OF_ANY_LAYER = frozenset(
    "stopbackward train_only_bn learning_rate onlyforward dont_update burnin_update clip smooth dontsave truth".split()
)
"""Options of training that Darknet reads in the section of any layer."""

READ_OVER: dict[str, frozenset[str]] = {
    "net": TRAINING_KEYS
    | frozenset(
        "adam B1 B2 eps clip center random reset min_ratio max_ratio notruth learning_rate_min batches_per_cycle "
        "batches_cycle_mult sgdr_cycle sgdr_mult sequential_subdivisions init_sequential_subdivisions track "
        "augment_speed try_fix_nan weights_reject_freq equidistant_point badlabels_rejection_percentage "
        "num_sigmas_reject_badlabels badlabels_reject_threshold delta_rolling_max delta_rolling_avg delta_rolling_std "
        "ema_alpha seen cur_iteration loss_scale dynamic_minibatch optimized_memory workspace_size_limit_MB "
        "use_cuda_graph inputs blur gaussian_noise mosaic_bound contrastive contrastive_jit_flip contrastive_color "
        "unsupervised label_smooth_eps resize_step attention adversarial_lr max_chart_loss seq_scales "
        "show_receptive_field flip_vertical letter_box fog thread_val random_init_weights tf32 fp4 fp8 fp8_training "
        "fp8_warmup_iters fp8_skip_layers cudnn_bf16 cudnn_fp8".split()
    ),
    "convolutional": frozenset("grad_centr assisted_excitation stream wait_stream angle reverse dot".split()),
    "route": frozenset("stream wait_stream".split()),
    "cost": frozenset("type scale ratio noobj thresh".split()),
    "softmax": frozenset({"noloss"}),
    "dropout": frozenset("dropblock dropblock_size_rel dropblock_size_abs".split()),
    "region": frozenset(
        "jitter resize random absolute max log sqrt focal_loss show_details classfix mask_scale map".split()
    ),
    "yolo": frozenset(
        "jitter resize random max_delta label_smooth_eps objectness_smooth counters_per_class focal_loss "
        "delta_normalizer track_history_size sim_thresh dets_for_track dets_for_show track_ciou_norm show_details "
        "flip_vertical iou_thresh_kind embedding_layer map beta1".split()
    ),
    "Gaussian_yolo": frozenset(
        "jitter resize random max_delta label_smooth_eps objectness_smooth counters_per_class delta_normalizer "
        "iou_thresh_kind map".split()
    ),
    "contrastive": frozenset("classes yolo_layer temperature cls_normalizer max_delta contrastive_neg_max".split()),
}
"""Options that only Darknet's training reads, or what it shows on a screen: they change nothing here."""

USUAL = TRAINING_KEYS | frozenset("jitter random absolute type resize".split())
"""Those that nearly every file has: nobody needs to be told."""

SAID_APART = frozenset({("letter_box", "net"), ("map", "region")})
"""Those that have a sentence of their own, as an option of this program stands for them."""

KNOWN_KEYS: dict[str, frozenset[str]] = {
    "net": frozenset({"width", "height", "channels"}),
    "convolutional": frozenset(
        "batch_normalize cbn filters size stride stride_x stride_y dilation pad padding groups activation "
        "antialiasing binary xnor bin_output share_index".split()
    ),
    "maxpool": frozenset("size stride stride_x stride_y padding maxpool_depth out_channels antialiasing".split()),
    "route": frozenset("layers groups group_id".split()),
    "reorg": frozenset({"stride"}),
    "shortcut": frozenset("from activation weights_type weights_normalization".split()),
    "upsample": frozenset("stride scale".split()),
    "dropout": frozenset({"probability"}),
    "avgpool": frozenset(),
    "softmax": frozenset({"groups"}),
    "cost": frozenset(),
    "region": frozenset(
        "anchors bias_match classes coords num softmax rescore object_scale noobject_scale class_scale coord_scale "
        "thresh tree".split()
    ),
    "yolo": frozenset(
        "mask anchors classes num max ignore_thresh truth_thresh iou_thresh scale_x_y new_coords iou_loss "
        "iou_normalizer obj_normalizer cls_normalizer nms_kind beta_nms".split()
    ),
    "scale_channels": frozenset("from scale_wh activation".split()),
    "sam": frozenset("from activation".split()),
    "local_avgpool": frozenset("size stride stride_x stride_y padding".split()),
    "reorg3d": frozenset({"stride"}),
    "batchnorm": frozenset(),
    "activation": frozenset({"activation"}),
    "empty": frozenset(),
    "contrastive": frozenset(),
    "Gaussian_yolo": frozenset(
        "mask anchors classes num max ignore_thresh truth_thresh iou_thresh scale_x_y iou_loss uc_normalizer "
        "iou_normalizer obj_normalizer cls_normalizer nms_kind beta_nms yolo_point".split()
    ),
}
"""The sections that this program builds, each with the options that it understands, beside those of `READ_OVER`."""

ALIASES = {
    "network": "net",
    "conv": "convolutional",
    "max": "maxpool",
    "avg": "avgpool",
    "soft": "softmax",
    "silence": "empty",
    "local_avg": "local_avgpool",
    "conn": "connected",
    "lrn": "normalization",
    "deconv": "deconvolutional",
    "logxent": "logistic",
    "implicit_add": "implicit",
    "implicit_mul": "implicit",
}
"""Other names of sections."""

_FLAT = "it takes all its input as one vector, without channels that could be sent"
_TIME = "what it gives depends on the pictures before, and here each picture is coded by itself"

REFUSED_SECTIONS: dict[str, str] = {
    "connected": f"{_FLAT}; take a convolution in its place, as YOLOv2 and later networks do",
    "local": "its kernel is another at each place, so that it has one size of picture; take a convolution in its place",
    "detection": "it is the head of YOLOv1, whose boxes come from one vector; take a network with [region] or [yolo]",
    "crop": "it cuts pictures at random; give the size of its pictures in [net] and remove it",
    "normalization": "no detector with [region] or [yolo] has it; remove it and train the network anew",
    "rnn": _TIME,
    "gru": _TIME,
    "lstm": _TIME,
    "crnn": _TIME,
    "conv_lstm": _TIME,
    "history": _TIME,
    "implicit": "only networks that are not Darknet's own read it; take weights whose implicit layers are merged",
    "deconvolutional": "no detector of Darknet has it; take [upsample] and a convolution in its place",
    "logistic": "it is the end of a classifier of several labels; take a network that ends in [softmax]",
    "l2norm": "it is no part of a detector; remove it",
    "yolo_bdp": "its boxes are of six numbers and not of four; take a network with [yolo]",
    "depthwise_convolutional": "write [convolutional], with filters= and groups= both the number of its channels",
    "iseg": "it finds outlines and no boxes; take a network with [region] or [yolo]",
}
"""Sections of Darknet that are not built, and the reason with what to do."""

_UNSAVED = "it leaves values out of the .weights file; remove it, and save the weights once more with Darknet"
_TURNED = "it turns or stretches the kernels; take the network without it"

REFUSED_OPTIONS: dict[str, dict[str, str]] = {
    "convolutional": {
        "sway": _TURNED,
        "rotate": _TURNED,
        "stretch": _TURNED,
        "stretch_sway": _TURNED,
        "coordconv": "it adds the place to the samples; take the network without it",
        "flipped": "its weights lie transposed in the file; save them once more without it",
        "numload": _UNSAVED,
        "dontload": _UNSAVED,
        "dontloadscales": _UNSAVED,
    },
    "maxpool": {"maxpool_zero_nonmax": "it changes the layer before it, whose output may be sent; remove it"},
    "softmax": {
        "temperature": "classes would be more or less sure than trained; remove it",
        "spatial": "it makes a softmax at each place; put an [avgpool] before the layer and remove it",
        "tree": "a classifier has no tree here; take the network with [region]",
    },
    "reorg": {
        "reverse": "it turns channels into places; take [upsample] in its place",
        "flatten": "it gives one vector, without channels that could be sent; remove it",
        "extra": "it gives one vector with values added, without channels that could be sent; remove it",
    },
    "reorg3d": {"reverse": "it turns channels into places; take [upsample] in its place"},
    "region": {"background": "it makes one class the absence of all; remove it and train the network anew"},
}
"""Options of Darknet that are refused unless they are 0, and the reason with what to do."""

REFUSED_ACTIVATIONS = {
    "stair": "it is flat but for its steps, so that nothing before it learns",
    "revleaky": "no network of Darknet has it",
}
"""Activations of Darknet that are not built. The others are `ACTIVATIONS`."""

WORDS = frozenset("activation iou_loss nms_kind weights_type weights_normalization tree".split())
"""Options whose value is a name, of which Darknet takes all that stands behind the ``=``."""


def options_of(kind: str) -> frozenset[str]:
    """The options that Darknet reads in a section of a kind that is built."""
    any_layer = OF_ANY_LAYER if kind != "net" else frozenset[str]()
    return KNOWN_KEYS[kind] | READ_OVER.get(kind, frozenset()) | frozenset(REFUSED_OPTIONS.get(kind, ())) | any_layer


def supported_activations() -> str:
    """The names of all activations that are built, as an error lists them."""
    return ", ".join(ACTIVATIONS)
