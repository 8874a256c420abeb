"""Follows the links of a small site."""

import scrapy


class Spider(scrapy.Spider):
    name = "spider"

    def __init__(self, site="", **arguments):
        super().__init__(**arguments)
        self.start_urls = [f"{site}/page/0"]

    def parse(self, response):
        yield {"title": response.css("title::text").get()}
        yield from response.follow_all(css="a")
