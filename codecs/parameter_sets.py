"""HEVC's video, sequence and picture parameter sets, as x265 writes them for grey pictures.

They are the same for every picture of a size, a depth and a setting, so a payload need not carry them: the decoder
writes them again. Syntax and names are those of ITU-T H.265 (08/2021), 7.3.1 to 7.3.3 and E.2.1; the values are x265's.
"""

import re

from lightning_app.codecs.x265 import Options

_VPS, _SPS, _PPS = 32, 33, 34

_LEVELS = ((1.0, 36_864), (2.0, 122_880), (2.1, 245_760), (3.0, 552_960), (3.1, 983_040), (4.0, 2_228_224))
"""Levels and the samples of their largest picture (Table A.8), up to the last that allows a CTU of 16.

x265 looks at 1 frame per second here, so the rates of Table A.9 bind nothing. What is larger gets sets of its own.
"""


def parameter_sets(height: int, width: int, depth: int, options: Options) -> list[bytes]:
    """The VPS, SPS and PPS of pictures of (`height`, `width`) pixels, as NAL units without start codes.

    Args:
        height: rows, 16 or more.
        width: columns, 16 or more.
        depth: bits per sample: 8, 10 or 12.
        options: what x265 codes them with.
    """
    common = _profile_tier_level(height, width, depth, options), _picture_buffer(options)
    return [_video_set(*common), _sequence_set(*common, height, width, depth, options), _picture_set(options)]


def _video_set(profile_tier_level: str, picture_buffer: str) -> bytes:
    return _nal_unit(
        _VPS,
        _u(4, 0),  # vps_video_parameter_set_id
        "11",  # vps_base_layer_internal_flag, vps_base_layer_available_flag
        _u(6, 0),  # vps_max_layers_minus1
        _u(3, 0),  # vps_max_sub_layers_minus1
        "1",  # vps_temporal_id_nesting_flag
        _u(16, 0xFFFF),  # vps_reserved_0xffff_16bits
        profile_tier_level,
        picture_buffer,
        _u(6, 0),  # vps_max_layer_id
        _ue(0),  # vps_num_layer_sets_minus1
        "0",  # vps_timing_info_present_flag
        "0",  # vps_extension_flag
    )


def _sequence_set(
    profile_tier_level: str, picture_buffer: str, height: int, width: int, depth: int, options: Options
) -> bytes:
    return _nal_unit(
        _SPS,
        _u(4, 0),  # sps_video_parameter_set_id
        _u(3, 0),  # sps_max_sub_layers_minus1
        "1",  # sps_temporal_id_nesting_flag
        profile_tier_level,
        _ue(0),  # sps_seq_parameter_set_id
        _ue(0),  # chroma_format_idc: 4:0:0
        _picture_size(height, width, options["min-cu-size"]),
        _ue(depth - 8),  # bit_depth_luma_minus8
        _ue(depth - 8),  # bit_depth_chroma_minus8
        _ue(4),  # log2_max_pic_order_cnt_lsb_minus4
        picture_buffer,
        _block_sizes(options),
        "0",  # scaling_list_enabled_flag
        "0",  # amp_enabled_flag
        _u(1, options["sao"]),  # sample_adaptive_offset_enabled_flag
        "0",  # pcm_enabled_flag
        _ue(0),  # num_short_term_ref_pic_sets
        "0",  # long_term_ref_pics_present_flag
        "1",  # sps_temporal_mvp_enabled_flag
        "1",  # strong_intra_smoothing_enabled_flag
        _usability_information(),
        "0",  # sps_extension_present_flag
    )


def _picture_set(options: Options) -> bytes:
    deblocking = options["deblock"]
    return _nal_unit(
        _PPS,
        _ue(0),  # pps_pic_parameter_set_id
        _ue(0),  # pps_seq_parameter_set_id
        "00",  # dependent_slice_segments_enabled_flag, output_flag_present_flag
        _u(3, 0),  # num_extra_slice_header_bits
        _u(1, options["signhide"]),  # sign_data_hiding_enabled_flag
        "0",  # cabac_init_present_flag
        _ue(0),  # num_ref_idx_l0_default_active_minus1
        _ue(0),  # num_ref_idx_l1_default_active_minus1
        _se(0),  # init_qp_minus26: each slice brings its QP
        "0",  # constrained_intra_pred_flag
        _u(1, options["tskip"]),  # transform_skip_enabled_flag
        "0",  # cu_qp_delta_enabled_flag
        _se(0),  # pps_cb_qp_offset
        _se(0),  # pps_cr_qp_offset
        "0",  # pps_slice_chroma_qp_offsets_present_flag
        "00",  # weighted_pred_flag, weighted_bipred_flag
        _u(1, options["lossless"]),  # transquant_bypass_enabled_flag
        "00",  # tiles_enabled_flag, entropy_coding_sync_enabled_flag
        "1",  # pps_loop_filter_across_slices_enabled_flag
        # deblocking_filter_control_present_flag, …_override_enabled_flag, …_disabled_flag, beta and tc offset
        "100" + 2 * _se(deblocking) if deblocking else "0",
        "00",  # pps_scaling_list_data_present_flag, lists_modification_present_flag
        _ue(0),  # log2_parallel_merge_level_minus2
        "00",  # slice_segment_header_extension_present_flag, pps_extension_present_flag
    )


def _profile_tier_level(height: int, width: int, depth: int, options: Options) -> str:
    """Main-RExt in the main tier, and the lowest level that fits (7.3.3)."""
    level = 8.5 if options["lossless"] else lowest_level(height, width, options["min-cu-size"])
    return "".join(
        (
            "00" + "0",  # general_profile_space, general_tier_flag
            _u(5, 4),  # general_profile_idc
            _u(32, 1 << 31 - 4),  # general_profile_compatibility_flag[j], 1 at 4
            "1001",  # progressive source, not interlaced, not "non packed", frames only
            *(_u(1, depth <= most) for most in (12, 10, 8)),  # general_max_12bit_constraint_flag, …
            "111",  # 4:2:2 at most, 4:2:0 at most, monochrome
            _u(1, options["keyint"] == 1),  # general_intra_constraint_flag
            "01",  # general_one_picture_only_constraint_flag, general_lower_bit_rate_constraint_flag
            _u(35, 0),  # reserved, general_inbld_flag
            _u(8, round(30 * level)),  # general_level_idc
        )
    )


def lowest_level(height: int, width: int, block: int) -> float:
    """The lowest level that a picture fits, of those that allow a CTU of 16; 0 if there is none.

    Args:
        height: rows.
        width: columns.
        block: side of the smallest coding unit, to which both sides are padded.
    """
    height, width = _whole(height, block), _whole(width, block)
    fitting = (
        level
        for level, samples in _LEVELS
        if height * width <= samples and max(height, width) ** 2 <= 8 * samples  # A.4.1
    )
    return next(fitting, 0.0)


def _picture_buffer(options: Options) -> str:
    return "".join(
        (
            "1",  # sub_layer_ordering_info_present_flag
            _ue(2 if options["keyint"] == 1 else 3),  # max_dec_pic_buffering_minus1
            _ue(0),  # max_num_reorder
            _ue(1),  # max_latency_increase_plus1
        )
    )


def _picture_size(height: int, width: int, block: int) -> str:
    """Sizes in whole blocks of the smallest coding unit, and the window that cuts the picture out of them."""
    columns, rows = _whole(width, block), _whole(height, block)
    # conformance_window_flag, and what is cut on the left, right, top and bottom
    window = "1" + _ue(0) + _ue(columns - width) + _ue(0) + _ue(rows - height)
    return _ue(columns) + _ue(rows) + (window if (columns, rows) != (width, height) else "0")


def _whole(length: int, block: int) -> int:
    return -(-length // block) * block


def _block_sizes(options: Options) -> str:
    smallest, largest, transform = (options[name].bit_length() - 1 for name in ("min-cu-size", "ctu", "max-tu-size"))
    return "".join(
        (
            _ue(smallest - 3),  # log2_min_luma_coding_block_size_minus3
            _ue(largest - smallest),  # log2_diff_max_min_luma_coding_block_size
            _ue(0),  # log2_min_luma_transform_block_size_minus2
            _ue(transform - 2),  # log2_diff_max_min_luma_transform_block_size
            _ue(0),  # max_transform_hierarchy_depth_inter
            _ue(options["tu-intra-depth"] - 1),  # max_transform_hierarchy_depth_intra
        )
    )


def _usability_information() -> str:
    """What FFmpeg makes x265 say about showing the picture (E.2.1)."""
    return "".join(
        (
            "1",  # vui_parameters_present_flag
            "00",  # aspect_ratio_info_present_flag, overscan_info_present_flag
            "1",  # video_signal_type_present_flag
            _u(3, 5),  # video_format: unspecified
            "00",  # video_full_range_flag, colour_description_present_flag
            "0",  # chroma_loc_info_present_flag
            "000",  # neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
            "0",  # default_display_window_flag
            "1",  # vui_timing_info_present_flag
            _u(32, 1),  # vui_num_units_in_tick
            _u(32, 1),  # vui_time_scale
            "00",  # vui_poc_proportional_to_timing_flag, vui_hrd_parameters_present_flag
            "0",  # bitstream_restriction_flag
        )
    )


def _u(bits: int, value: int) -> str:
    """An unsigned number of fixed length, as a string of 0 and 1 (9.1: u(n))."""
    return f"{value:0{bits}b}"


def _ue(value: int) -> str:
    """An unsigned number in Exp-Golomb code (9.2: ue(v))."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _se(value: int) -> str:
    """A signed number in Exp-Golomb code (9.2.2: se(v))."""
    return _ue(2 * value - 1 if value > 0 else -2 * value)


def _nal_unit(kind: int, *syntax: str) -> bytes:
    """A NAL unit of layer 0: its header, and its bits with a stop bit and emulation prevention (7.3.1, 7.3.2.11)."""
    bits = "".join(syntax) + "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return bytes((kind << 1, 1)) + re.sub(rb"\0\0(?=[\0-\x03])", b"\0\0\x03", payload)
