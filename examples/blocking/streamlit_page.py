"""A Streamlit page that lists and adds records, and shows the progress of many."""

import os

import streamlit as st

from pocketbase_core import PocketBaseError
from pocketbase_core.blocking import PocketBase


@st.cache_resource(on_release=PocketBase.close)
def client() -> PocketBase:
    """Return the client of the process: all sessions and reruns of the page share it."""
    return PocketBase(os.environ.get("POCKETBASE_URL", "http://127.0.0.1:8090"))


posts = client().collection("posts")
st.title("Posts")

with st.form("one", clear_on_submit=True):
    title = st.text_input("Title")
    if st.form_submit_button("Add"):
        try:
            posts.create({"title": title})
        except PocketBaseError as error:
            st.error(error.field_errors.get("title", {}).get("message", error.message))

if st.button("Add a hundred"):
    bar = st.progress(0, "0 posts")
    rows = [{"title": f"Post {number}", "n": number} for number in range(1, 101)]
    # Streamlit's functions work in callbacks of a call, because these run on the thread that makes the call.
    posts.create_many(rows, on_progress=lambda done, _: bar.progress(done / len(rows), f"{done} posts"))

page = posts.get_list(1, 20, sort="-created")
st.caption(f"{page['totalItems']} posts")
for post in page["items"]:
    st.text(f"{post['created']:.16}  {post['title']}")
