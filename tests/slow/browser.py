"""A headless Chromium on Airflow's web UI, with screenshots in ``test-output/``."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PICTURES = Path(__file__).parents[2] / "test-output"
PATIENCE = 60
# Chromium's sandbox does not run as root, and containers have little shared memory.
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1900")


@contextmanager
def browser(ui):
    """A browser that is logged in."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for option in OPTIONS:
        options.add_argument(option)
    with tempfile.TemporaryDirectory() as folder:  # Chromium leaves files in its own
        service = Service(program("chromedriver"), env={**os.environ, "TMPDIR": folder})
        with webdriver.Chrome(options=options, service=service) as driver:
            yield Browser(driver, ui)


def program(name):
    found = shutil.which(name)
    assert found, f"There is no {name}: `make test-slow` installs Chromium and its driver"
    return found


class Browser:
    """Actions of a user: find, click, type, read."""

    def __init__(self, driver, ui):
        self.driver = driver
        self.address = ui.address
        self.open("/")
        self.field("username").send_keys("admin")
        self.field("password").send_keys(ui.password, Keys.ENTER)
        self.gone("//*[@name='username']")

    def open(self, path):
        self.driver.get(self.address + path)

    def _until(self, condition, otherwise):
        """Ask until it holds; pages are drawn anew while one looks at them."""
        wait = WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[WebDriverException])
        return wait.until(lambda _: condition(), otherwise)

    def _visible(self, xpath):
        return [found for found in self.driver.find_elements(By.XPATH, xpath) if found.is_displayed()]

    def _first(self, xpath):
        for found in self._visible(xpath):
            return found
        raise NoSuchElementException(xpath)

    def find(self, xpath):
        """The first visible element, waited for."""
        return self._until(lambda: self._first(xpath), f"{xpath} is not there")

    def all(self, xpath):
        """All visible elements that are there now."""
        return self._visible(xpath)

    def text(self, xpath):
        """What an element says, as soon as it says something."""
        return self._until(lambda: self._first(xpath).text, f"{xpath} says nothing")

    def gone(self, xpath):
        """Wait until nothing of this kind can be seen."""
        self._until(lambda: not self._visible(xpath), f"{xpath} is still there")

    def click(self, xpath):
        def click():
            self._first(xpath).click()
            return True

        self._until(click, f"{xpath} cannot be clicked")

    def field(self, name):
        return self.find(f"//*[@name='{name}']")

    def fill(self, **fields):
        """Paste into fields by their names, in place of what they hold."""
        for name, value in fields.items():
            self.field(name).send_keys(Keys.CONTROL, "a")
            self.driver.execute_cdp_cmd("Input.insertText", {"text": value})
            assert self.value(name) == value

    def value(self, name):
        return self.field(name).get_attribute("value")

    def picture(self, name, of="//body"):
        PICTURES.mkdir(exist_ok=True)
        self.find(of).screenshot(str(PICTURES / f"{name}.png"))
