"""A page of Streamlit."""

import streamlit

streamlit.title("Orders")
streamlit.write("none")
