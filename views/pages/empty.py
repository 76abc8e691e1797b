"""An empty office explains itself: what to send first, and how."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from geo.errors import AppError
from tracker.office import Office
from views.labels import Language, label
from views.signin import current_user

ORDER = (
    ("villages", "行政村界（面）：村名、村编码、所属乡镇"),
    ("natural_villages", "自然村（点）：名称、人口"),
    ("roads", "农村公路（线）：路线编号、面层类型、路面宽度"),
    ("households", "农户台账（Excel）：户编号、行政村、危房级别、是否解决安全饮水"),
    ("facilities", "各局设施：卫生站、公厕、学校……可分多个文件"),
    ("claims", "七有登记表（Excel）：每村一行、每项一列“是/否”"),
)


def store(office: Office, layer: str, upload: Any, options: dict[str, Any]) -> None:
    """Put one uploaded file through the ordinary intake and say what happened to it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(upload.name).name
        path.write_bytes(upload.getbuffer())
        try:
            done = office.add_layer(layer, path, **options)
        except AppError as error:
            st.error(f"{upload.name}：{error}", icon=":material/error:")
            return
    st.success(
        f"{upload.name} → {label('layer', layer)}：读入 {done.rows_read} 行，入库 {done.stored} 行，退回 {done.refused} 行"
    )
    for problem in done.problems[:8]:
        st.caption(f"第 {problem.row or '—'} 行 · {problem.message}")


def import_form(office: Office, key: str) -> None:
    """Let the person drop files in, name the layer, and send them through the intake."""
    if not current_user(office).may("import"):
        st.caption("您的角色不能导入数据，请找规划人员或主管部门。")
        return
    with st.form(key, clear_on_submit=False):
        uploads = st.file_uploader(
            "拖入文件：zip（shapefile）、gpkg、geojson、kml/ovkml、csv、xls/xlsx",
            accept_multiple_files=True,
            key=f"{key}_files",
        )
        left, middle, right = st.columns(3)
        layer = left.selectbox("作为哪个图层", [name for name, _ in ORDER] + ["towns", "bridges", "lines", "service_areas", "hazards", "outlets"], format_func=lambda name: label("layer", name))  # fmt: skip
        crs = middle.text_input("坐标系（文件没写才填）", placeholder="EPSG:4526、gcj02、bd09")
        is_partial = right.checkbox("不是全部（缺的算“不明”）")
        if st.form_submit_button("入库", type="primary") and uploads:
            for upload in uploads:
                with st.spinner(f"正在读取 {upload.name} …"):
                    store(
                        office,
                        layer,
                        upload,
                        {"crs": crs or None, "is_partial": is_partial, "by": current_user(office).username},
                    )


def explain_empty(office: Office, language: Language) -> None:
    """Tell a newcomer what this is and what to send first."""
    st.title(f"{label('app', 'name', language)} · {office.name}")
    st.info("这个办公文件夹里还没有数据。按下面的顺序拖入各局的文件，坐标和编码会自动识别，读不懂的会说清楚缺什么。")
    for number, (name, text) in enumerate(ORDER, start=1):
        st.markdown(f"{number}. **{label('layer', name, language)}** – {text}")
    import_form(office, "first_import")
    st.caption("想先看看样子？命令行执行 python run.py 会打开虚构的示范县。")
