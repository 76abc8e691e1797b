"""The command that forgets a person who asks for it."""

from pathlib import Path

import click

from commands.shell import FOLDER, Result, command
from tracker.forgetting import forget as forget_person
from tracker.office import open_office


@command("forget office 0001234 --reason 2026年11月本人书面申请 --by 王科长")
@click.argument("office", type=FOLDER)
@click.argument("household_id")
@click.option("--reason", required=True, help="who asked, and when; stays in the ledger")
@click.option("--by", required=True, help="who does it")
def forget(office: Path, household_id: str, reason: str, by: str) -> Result:
    """Take a person's name, numbers and address out of every stored version; the house and its figures stay."""
    with open_office(office) as opened:
        done = forget_person(opened, household_id, by=by, reason=reason)
    lines = [
        f"已从 {done.versions} 个版本里删去户 {done.household_id} 的姓名、证件号、电话和住址；以后导入的文件里有也不再保存。"
    ]
    if done.backups:
        lines.append(
            "下列备份是删除以前做的，里面还有："
            + "、".join(done.backups)
            + "。请按规定销毁，恢复后要再执行一次本命令。"
        )
    if done.exports:
        lines.append(f"日志里有 {done.exports} 次导出（网页“用户与日志”页可查），已拿走的文件请收回。")
    if done.files:
        lines.append(
            f"证明材料和报告共 {len(done.files)} 个文件（evidence、reports 文件夹），请人工核对里面有没有本人照片或文字。"
        )
    return vars(done), lines
