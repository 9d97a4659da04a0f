"""A headless Chromium on Airflow's web UI. Each step that matters leaves a picture in ``test-output/``."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
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
    with webdriver.Chrome(options=options, service=Service(program("chromedriver"))) as driver:
        yield Browser(driver, ui)


def program(name):
    found = shutil.which(name)
    assert found, f"There is no {name}: `make test-slow` installs Chromium and its driver"
    return found


class Browser:
    """What a person does: look for something, click, type, read."""

    def __init__(self, driver, ui):
        self.driver = driver
        self.address = ui.address
        self.open("/")
        self.field("username").send_keys("admin")
        self.field("password").send_keys(ui.password, Keys.ENTER)
        self.gone("//*[@name='username']")

    def open(self, path):
        self.driver.get(self.address + path)

    def find(self, xpath):
        """The first visible element, waited for."""

        def visible(driver):
            return next((found for found in driver.find_elements(By.XPATH, xpath) if found.is_displayed()), None)

        return WebDriverWait(self.driver, PATIENCE).until(visible, f"{xpath} is not there")

    def gone(self, xpath):
        """Wait until nothing of this kind can be seen."""
        WebDriverWait(self.driver, PATIENCE).until(
            lambda driver: not any(found.is_displayed() for found in driver.find_elements(By.XPATH, xpath))
        )

    def click(self, xpath):
        def clicked(_):
            self.find(xpath).click()
            return True

        WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[Exception]).until(clicked)

    def field(self, name):
        return self.find(f"//*[@name='{name}']")

    def fill(self, **fields):
        """Type into fields by their names, in place of what they hold."""
        for name, value in fields.items():
            self.field(name).send_keys(Keys.CONTROL, "a")
            self.field(name).send_keys(Keys.DELETE if value == "" else value)

    def value(self, name):
        return self.field(name).get_attribute("value")

    def picture(self, name, of="//body"):
        PICTURES.mkdir(exist_ok=True)
        self.find(of).screenshot(str(PICTURES / f"{name}.png"))
