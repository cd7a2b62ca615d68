"""Volumes: nnU-Net v2 against Lamina, with one network and the same weights and windows."""

from pathlib import Path

from benchmark_inputs import trained_weights, write_scan
from benchmark_nnunet import dynunet, dynunet_task, write_model
from benchmark_runs import TASKS, Plan, Result, alternate, difference, summed
from benchmark_volumes import lamina_line, output_of


def nnunet(plan: Plan) -> Result:
    """Case 3: nnU-Net v2 with the same network, weights and windows, mirroring off."""
    tool = Path(plan.nnunet or "/nowhere") / "nnUNetv2_predict_from_modelfolder"
    if not tool.is_file():
        return {
            "skipped": "nnU-Net is not there: name the bin/ folder of its environment, --nnunet"
        }
    weights = trained_weights(plan.work / "dynunet.pt", 2, 60, dynunet())
    model = write_model(plan.work / "nnunet_model", weights)
    # On its own grid, in windows that both lay alike, the maths of the two is the same.
    grid = {"side": 192, "spacing": (1.5, 1.5, 2.0), "flipped": False}
    write_scan(plan.work / "grid" / "scan_0000.nii.gz", 144, 2, 0, **grid)
    write_scan(plan.work / "one_nn" / "scan_0000.nii.gz", 200, 2, 0, flipped=False)
    found: Result = {}
    for scans in (plan.work / "grid", plan.work / "one_nn"):
        theirs = [str(tool), "-i", str(scans), "-m", str(model)]
        theirs += ["-o", str(output_of(plan.work, "nnunet", scans))]
        theirs += ["-f", "0", "-device", "cpu", "--disable_tta", "-npp", "1", "-nps", "1"]
        mine = lamina_line(plan.work, scans, dynunet_task(TASKS / "hippocampus_mr.json"), weights)
        sides = {"nnU-Net": theirs, "Lamina": mine}
        found[scans.name] = summed(alternate(sides, plan, scans.name))
        made = [min(output_of(plan.work, s, scans).glob("*.nii.gz")) for s in ("lamina", "nnunet")]
        found[scans.name]["equal"] = difference(*made)
    return found
