from benchmark.proof.audit import Printed, audit_rows


def test_published_numbers_stand_beside_the_nets_that_they_describe_alone():
    rows = list(audit_rows())
    assert [row.net for row in rows if row.published_parameters] == [
        f"ResNet-{depth} A (CIFAR)" for depth in (20, 32, 44, 56, 110, 1202)
    ]
    assert [row.net for row in rows if row.published_multiply_adds] == [
        "ResNet-18 A (ImageNet)",
        "ResNet-34 A (ImageNet)",
        "ResNet-50 B (ImageNet)",
        "ResNet-101 B (ImageNet)",
        "ResNet-152 B (ImageNet)",
    ]


def test_the_published_numbers_are_ours_rounded_but_for_one():
    printed = {
        row.net: number
        for row in audit_rows()
        for number in (row.published_parameters, row.published_multiply_adds)
        if number
    }
    assert [net for net, number in printed.items() if not number.agrees] == [
        "ResNet-50 B (ImageNet)"
    ]
    fifty = printed["ResNet-50 B (ImageNet)"]
    assert (fifty.text, round(fifty.ours, 3), round(fifty.difference, 3)) == ("3.8", 3.858, 0.058)


def test_agreement_is_to_the_papers_digits():
    assert Printed("1.7", 1.728).agrees
    assert not Printed("1.70", 1.728).agrees
    assert not Printed("1.7", 1.751).agrees
    assert Printed("2", 1.751).agrees
