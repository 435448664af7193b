"""What a person is told of each class: its name, what it is, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

_WATCH = "Nothing needs doing beyond watching the plants for new spots, yellowing or curling."

# class_id -> (name, description, advice)
_TEXTS: dict[str, tuple[str, str, str]] = {
    "potato_early_blight": (
        "Early blight (potato)",
        "A fungal disease (Alternaria solani and relatives) that makes brown spots with concentric rings, "
        "mostly on older leaves.",
        "Remove badly affected leaves, keep the foliage dry and the plants well fed, rotate away from potato and "
        "tomato, and ask a local adviser whether a fungicide is worth using.",
    ),
    "potato_healthy": ("Healthy leaf (potato)", "A potato leaf without visible signs of disease.", _WATCH),
    "potato_late_blight": (
        "Late blight (potato)",
        "A fast-spreading disease caused by the water mould Phytophthora infestans, with dark, water-soaked "
        "patches and pale mould beneath in damp weather.",
        "Act quickly: have it confirmed, remove and destroy affected foliage, warn neighbouring growers where that is "
        "customary, and ask a local adviser about protective fungicides.",
    ),
    "tomato_bacterial_spot": (
        "Bacterial spot (tomato)",
        "A disease caused by Xanthomonas bacteria, with small dark, greasy-looking spots on leaves and fruit.",
        "Have it confirmed, remove affected leaves or plants, avoid overhead watering and working among wet plants, "
        "and start again from clean seed; copper sprays slow it at best.",
    ),
    "tomato_early_blight": (
        "Early blight (tomato)",
        "A fungal disease (Alternaria) that makes brown spots with concentric rings and yellow edges, "
        "lower leaves first.",
        "Remove affected lower leaves, mulch, water at the base, rotate crops, and ask a local adviser whether a "
        "fungicide is worth using.",
    ),
    "tomato_healthy": ("Healthy leaf (tomato)", "A tomato leaf without visible signs of disease.", _WATCH),
    "tomato_late_blight": (
        "Late blight (tomato)",
        "A fast-spreading disease caused by the water mould Phytophthora infestans, with large dark, water-soaked "
        "patches on leaves, stems and fruit.",
        "Act quickly: have it confirmed, remove and destroy affected plants, check nearby potatoes and tomatoes, and "
        "ask a local adviser about protective fungicides.",
    ),
    "tomato_leaf_mold": (
        "Leaf mold (tomato)",
        "A fungal disease (Passalora fulva) of humid greenhouses, with pale yellow spots above and olive "
        "mould beneath the leaf.",
        "Lower the humidity by airing and wider spacing, keep the leaves dry, remove affected leaves, and choose "
        "resistant varieties next time.",
    ),
    "tomato_mosaic_virus": (
        "Mosaic virus (tomato)",
        "A virus disease with light and dark green mottling and distorted leaves, spread by hands, tools and seed.",
        "There is no cure, and herbicide drift looks alike: have it confirmed, then remove the affected plants, wash "
        "hands and disinfect tools, and use tested seed or resistant varieties.",
    ),
    "tomato_septoria_leaf_spot": (
        "Septoria leaf spot (tomato)",
        "A fungal disease (Septoria lycopersici) with many small round spots, grey in the middle with a dark edge, "
        "lower leaves first.",
        "Remove affected leaves and fallen debris, water at the base, mulch, rotate crops, and ask a local adviser "
        "whether a fungicide is worth using.",
    ),
    "tomato_spider_mites": (
        "Spider mites (tomato)",
        "Damage by two-spotted spider mites (Tetranychus urticae): fine pale stippling, bronzing and thin webs, "
        "mostly in hot, dry weather.",
        "Look for mites under the leaf with a lens, rinse the leaves, relieve drought stress, spare or release "
        "predatory mites, and prefer soaps or oils, never in heat or on wilting plants, to broad insecticides.",
    ),
    "tomato_target_spot": (
        "Target spot (tomato)",
        "A fungal disease (Corynespora cassiicola) with brown spots that grow into rings like a target.",
        "Improve the air flow by pruning and spacing, keep the leaves dry, remove affected leaves and debris, and "
        "ask a local adviser whether a fungicide is worth using.",
    ),
    "tomato_yellow_leaf_curl_virus": (
        "Yellow leaf curl virus (tomato)",
        "A virus disease carried by whiteflies, with small, upward-curling leaves that yellow at the edges and "
        "stunted growth.",
        "There is no cure: have it confirmed, control whiteflies with nets, yellow traps and weeding, then remove "
        "affected plants in a closed bag, and choose tolerant varieties next time.",
    ),
}

CLASS_IDS = tuple(sorted(_TEXTS))


def labels_for(ids: Sequence[str]) -> list[dict[str, str]]:
    """The entries of labels.json, in the order of the network's outputs."""
    keys = ("class_name", "description", "advice")
    return [{"class_id": class_id, **dict(zip(keys, _TEXTS[class_id], strict=True))} for class_id in ids]
