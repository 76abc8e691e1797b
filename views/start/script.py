"""The script Streamlit runs for every session. It stands alone in its folder: beside a folder named pages, Streamlit would
take every file in there for a page of its own.
"""

from views.entry import main

main()
