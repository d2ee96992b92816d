// A person at a browser: Chromium with its own profile, driven through WebDriver.
//
//     const browser = await openBrowser();
//     await browser.open(`${server.origin}/device`);
//     await browser.type('user_code', 'WDJB-MJHT');
//     await browser.press('Continue');
//     await browser.sees('Sign in to continue');
//     await browser.close();
//
// Nothing sleeps: every wait has a condition and a time limit.

import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Browser as Browsers, Builder, By, error, Key, logging, until } from 'selenium-webdriver';
import { Options, ServiceBuilder } from 'selenium-webdriver/chrome.js';
import { Credential, Protocol, Transport, VirtualAuthenticatorOptions } from 'selenium-webdriver/lib/virtual_authenticator.js';
import { chromedriver, chromium } from './config.mjs';
import { temporaryDirectory, within } from './harness.mjs';

const LIMIT = 10_000;

/** The message in the console for every page with a 4xx status. */
const STATUS = / - Failed to load resource: the server responded with a status of 4\d\d /;

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  '--window-size=1280,900',
];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The window sizes for inspecting a page: two for the screenshots, and the narrowest that WCAG 1.4.10 requires. */
export const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, mobile: true };
export const DESKTOP = { width: 1280, height: 900, deviceScaleFactor: 1, mobile: false };
const NARROWEST = { width: 320, height: 568, deviceScaleFactor: 1, mobile: true };
/** A desktop on which everything is twice as large. */
const ZOOMED = { width: 640, height: 450, deviceScaleFactor: 2, mobile: false };
/** Ways to look at a page: label, size, color scheme, and whether the system's own colors are forced. */
const LOOKS = [
  ['phone', PHONE, 'light', 'none'],
  ['phone, dark', PHONE, 'dark', 'none'],
  ['forced colors', DESKTOP, 'dark', 'active'],
  ['narrow', NARROWEST, 'light', 'none'],
  ['zoomed', ZOOMED, 'light', 'none'],
];

/**
 * Opens a browser with an empty profile.
 *
 * @param {object} [options]
 * @param {boolean} [options.javascript] false turns scripts off, as a cautious person might
 * @param {boolean} [options.cookies] false blocks all cookies
 */
export async function openBrowser({ javascript = true, cookies = true } = {}) {
  const profile = temporaryDirectory();
  const log = new logging.Preferences();
  log.setLevel(logging.Type.BROWSER, logging.Level.ALL);
  const options = new Options();
  options.setBinaryPath(chromium());
  options.addArguments(...ARGUMENTS, `--user-data-dir=${profile.path}`);
  options.setLoggingPrefs(log);
  if (!javascript) options.setUserPreferences({ 'profile.managed_default_content_settings.javascript': 2 });
  if (!cookies) options.setUserPreferences({ 'profile.managed_default_content_settings.cookies': 2 });
  const driver = await new Builder()
    .forBrowser(Browsers.CHROME)
    .setChromeOptions(options)
    .setChromeService(new ServiceBuilder(chromedriver()))
    .build();
  await driver.manage().setTimeouts({ pageLoad: LIMIT, script: LIMIT });
  const end = endsWithUs(profile.path);
  return new Browser(driver, () => {
    end.forget();
    profile.remove();
  });
}

/** Makes sure that the browser does not outlive the tests, which it would if its driver ended first. */
function endsWithUs(profile) {
  // The lock is a link to `host-pid`.
  const pid = Number(readlinkSync(join(profile, 'SingletonLock')).split('-').at(-1));
  const end = () => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    // Its helper processes end a little later, and write to the profile until then.
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  process.prependListener('exit', end);
  return { forget: () => process.off('exit', end) };
}

class Browser {
  #driver;
  #closed;

  constructor(driver, closed) {
    this.#driver = driver;
    this.#closed = closed;
  }

  async close() {
    await within(LIMIT, this.#driver.quit(), 'the browser did not close');
    this.#closed();
  }

  /** Acts as if all windows had been closed and one opened: no session cookie is left. */
  async restart() {
    const [first, ...others] = await this.windows();
    for (const other of others) {
      await this.switchTo(other);
      await this.#driver.close();
    }
    await this.switchTo(first);
    await this.#driver.get('about:blank');
    await this.#driver.sendDevToolsCommand('Network.clearBrowserCookies');
    await this.complaints();
  }

  open(url) {
    return this.#driver.get(url);
  }

  back() {
    return this.#driver.navigate().back();
  }

  /** Presses the reload button; the browser sends a submitted form again. */
  reload() {
    return this.leaving(() => this.#driver.navigate().refresh());
  }

  address() {
    return this.#driver.getCurrentUrl();
  }

  title() {
    return this.#driver.getTitle();
  }

  /** Returns all visible text of the page. */
  text() {
    return this.#driver.findElement(By.css('body')).getText();
  }

  /** Waits until the page has this heading, and returns its text. */
  async sees(heading) {
    let last;
    const shown = async () => {
      last = await this.#heading();
      return last === heading;
    };
    await this.#driver.wait(shown, LIMIT).catch(async (cause) => {
      throw new Error(`expected the page “${heading}”, but it is “${last}” at ${await this.address()}`, { cause });
    });
    return this.text();
  }

  /** Returns the heading; `undefined` if there is none, or between two pages. */
  async #heading() {
    const [heading] = await this.#driver.findElements(By.css('h1'));
    return heading?.getText().catch(undefinedIfGone);
  }

  /** Returns the text of the message above the form. */
  problem() {
    return this.#driver.findElement(By.id('problem')).getText();
  }

  field(name) {
    return this.#driver.findElement(By.name(name));
  }

  async has(name) {
    return (await this.#driver.findElements(By.name(name))).length > 0;
  }

  async type(name, text) {
    const field = await this.field(name);
    await field.clear();
    await field.sendKeys(text);
  }

  value(name) {
    return this.field(name).getProperty('value');
  }

  async tick(name) {
    await this.field(name).click();
  }

  /** Presses a button or link, and waits until its page is gone. */
  press(label) {
    return this.leaving(() => this.click(label));
  }

  /** Presses a button, link or summary, even if the page stays. */
  async click(label) {
    const text = `normalize-space() = ${JSON.stringify(label)}`;
    await this.#driver.findElement(By.xpath(`//button[${text}] | //a[${text}] | //summary[${text}]`)).click();
  }

  /** Presses a button twice in quick succession. */
  async doubleClick(label) {
    const button = await this.#driver.findElement(By.xpath(`//button[normalize-space() = ${JSON.stringify(label)}]`));
    await this.#driver.actions().doubleClick(button).perform();
  }

  /** Delays every response by so many milliseconds; 0 turns that off. */
  async delay(latency) {
    const throughput = 10_000_000;
    await this.#driver.setNetworkConditions({ offline: false, latency, download_throughput: throughput, upload_throughput: throughput });
  }

  /** Does something that leads to another page, and waits until the current page is gone. */
  async leaving(action) {
    const page = await this.#driver.findElement(By.css('html'));
    await action();
    const gone = async () => (await page.getTagName().catch(undefinedIfGone)) === undefined;
    await this.#driver.wait(gone, LIMIT, 'the page stayed');
  }

  /** Types on the keyboard, wherever the focus is. */
  keys(...keys) {
    return this.#driver.actions().sendKeys(...keys).perform();
  }

  /** Presses Tab, at most `most` times, until `matches` accepts the focused element. Returns the stops, all of which must be visible. */
  async tabTo(matches, most = 20) {
    const stops = [];
    while (stops.length < most) {
      await this.keys(Key.TAB);
      const stop = await this.focus();
      if (!stop.visible) throw new Error(`the focus is not visible on ${stop.label}`);
      stops.push(stop.label);
      if (matches(stop)) return stops;
    }
    throw new Error(`Tab does not reach it; the stops were: ${stops.join(', ')}`);
  }

  /** Returns the focused element, and whether a person can see that it has the focus. */
  focus() {
    return this.run(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const { top, bottom, width, height } = element.getBoundingClientRect();
      const ring = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
      const within = top >= 0 && bottom <= innerHeight && width > 0 && height > 0;
      return {
        name: element.name,
        value: element.value,
        label: element.name ? `${element.name}=${element.value}` : element.textContent.trim(),
        // The button inside a field for a time has the focus without making the field match.
        visible: ring && within && element.matches(':focus-visible, [type=datetime-local]'),
      };
    });
  }

  /** Runs a function in the page, and returns its result. */
  run(script, ...values) {
    return this.#driver.executeScript(script, ...values);
  }

  /** Waits for a page, of whatever site, with the element that a selector finds. */
  arrives(selector) {
    return this.#driver.wait(until.elementLocated(By.css(selector)), LIMIT, `${selector} did not come`);
  }

  /** Types into the field that a selector finds. */
  async fill(selector, ...keys) {
    await (await this.#driver.findElement(By.css(selector))).sendKeys(...keys);
  }

  /** Presses whichever of these buttons appears, until the page has this heading. */
  async passes(heading, labels) {
    const pressed = async () => {
      if ((await this.#heading()) === heading) return true;
      for (const label of labels) {
        const [button] = await this.#driver.findElements(By.xpath(`//button[contains(normalize-space(), ${JSON.stringify(label)})]`));
        if (button && (await button.isEnabled().catch(undefinedIfGone))) await button.click().catch(() => undefined);
      }
      return false;
    };
    await this.#driver.wait(pressed, LIMIT, `the page “${heading}” did not come`);
  }

  /** Returns the HTTP status of the page. */
  status() {
    return this.run(() => performance.getEntriesByType('navigation')[0].responseStatus);
  }

  cookies() {
    return this.#driver.manage().getCookies();
  }

  /** Gives the machine a platform authenticator, whose owner is always there and is verified. */
  plugAuthenticator() {
    const options = new VirtualAuthenticatorOptions();
    options.setProtocol(Protocol.CTAP2);
    options.setTransport(Transport.INTERNAL);
    options.setHasResidentKey(true);
    options.setHasUserVerification(true);
    options.setIsUserVerified(true);
    return this.#driver.addVirtualAuthenticator(options);
  }

  unplugAuthenticator() {
    return this.#driver.removeVirtualAuthenticator();
  }

  /** Decides whether the authenticator verifies its owner from now on. */
  verifyUser(verified) {
    return this.#driver.setUserVerified(verified);
  }

  /** Returns the passkeys of the authenticator, with their private keys and counters. */
  passkeys() {
    return this.#driver.getCredentials();
  }

  /** Replaces a passkey by a copy of it, whose counter is as it was at the copying. */
  async copyPasskey(passkey, counter) {
    await this.#driver.removeAllCredentials();
    const parts = [passkey.id(), passkey.rpId(), passkey.userHandle(), passkey.privateKey()];
    await this.#driver.addCredential(Credential.createResidentCredential(...parts, counter));
  }

  async setCookie({ name, value }) {
    await this.#driver.manage().deleteCookie(name);
    await this.#driver.manage().addCookie({ name, value, httpOnly: true, sameSite: 'Lax' });
  }

  windows() {
    return this.#driver.getAllWindowHandles();
  }

  window() {
    return this.#driver.getWindowHandle();
  }

  /** Opens another window of the same browser, and switches to it. */
  openWindow() {
    return this.#driver.switchTo().newWindow('window');
  }

  switchTo(window) {
    return this.#driver.switchTo().window(window);
  }

  /** Waits until the page's frame has loaded, and returns the forms and inputs in it. */
  async frame() {
    await this.#driver.wait(until.ableToSwitchToFrame(By.css('iframe')), LIMIT);
    const forms = await this.#driver.findElements(By.css('form, input'));
    await this.#driver.switchTo().defaultContent();
    return forms;
  }

  /** Returns the browser's own warnings and errors since the last call, except for 4xx statuses, which tests check. */
  async complaints() {
    const entries = await this.#driver.manage().logs().get(logging.Type.BROWSER);
    return entries.map(({ message }) => message).filter((message) => !STATUS.test(message));
  }

  /**
   * Looks at the page as on a phone and on a desktop, in light and dark mode, and saves a screenshot of each in
   * `folder`. Returns the faults that axe finds, and the widths at which the page has to be scrolled sideways.
   */
  async inspect(folder, name) {
    mkdirSync(folder, { recursive: true });
    const faults = [];
    for (const [scheme, size, label] of [
      ['light', PHONE, 'phone'],
      ['dark', PHONE, 'phone-dark'],
      ['light', DESKTOP, 'desktop'],
      ['dark', DESKTOP, 'desktop-dark'],
      ['light', NARROWEST, undefined],
    ]) {
      await this.#emulate(size, scheme);
      if (label) {
        writeFileSync(join(folder, `${name}-${label}.png`), await this.#picture());
        faults.push(...(await this.#violations()).map((fault) => `${name}, ${label}: ${fault}`));
      }
      const wide = await this.run(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) faults.push(`${name}: ${wide} px too wide at ${size.width} px`);
    }
    await this.#driver.sendDevToolsCommand('Emulation.clearDeviceMetricsOverride');
    await this.#driver.sendDevToolsCommand('Emulation.setEmulatedMedia', { features: [] });
    return faults;
  }

  /** Adds headers to every request from now on. */
  async sends(headers) {
    await this.#driver.sendDevToolsCommand('Network.enable', {});
    await this.#driver.sendDevToolsCommand('Network.setExtraHTTPHeaders', { headers });
  }

  /**
   * Returns the faults that axe finds, and where the page has to be scrolled sideways: by default in light and dark mode, with
   * the system's own colors, on the narrowest screen and at twice the size.
   */
  async faults(name, looks = LOOKS) {
    const faults = [];
    for (const [label, size, scheme, colors] of looks) {
      await this.#emulate(size, scheme, colors);
      faults.push(...(await this.#violations()).map((fault) => `${name}, ${label}: ${fault}`));
      const wide = await this.run(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) faults.push(`${name}, ${label}: ${wide} px too wide`);
    }
    await this.#driver.sendDevToolsCommand('Emulation.clearDeviceMetricsOverride');
    await this.#driver.sendDevToolsCommand('Emulation.setEmulatedMedia', { features: [] });
    return faults;
  }

  /** Shows the page in a window of this size from now on. */
  async resize(size, motion = 'reduce') {
    await this.#emulate(size, 'light', 'none', motion);
  }

  /** Returns the edges of the element that a selector finds, in pixels from the top left of the window. */
  edges(selector) {
    return this.run((found) => document.querySelector(found).getBoundingClientRect().toJSON(), selector);
  }

  /** Clicks on the element that a selector finds, and waits until its page is gone. */
  choose(selector) {
    return this.leaving(async () => (await this.#driver.findElement(By.css(selector))).click());
  }

  /** Takes a small picture (WebP) of the whole page at a window size. */
  async picture(size, scheme = 'light', quality = 60) {
    await this.#emulate(size, scheme);
    const picture = await this.#picture({ format: 'webp', quality });
    await this.#driver.sendDevToolsCommand('Emulation.clearDeviceMetricsOverride');
    return picture;
  }

  /** Sets window size and color scheme. Turns motion off unless told otherwise, so that no color is caught in transition. */
  async #emulate(size, scheme, forced = 'none', motion = 'reduce') {
    const features = [
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'forced-colors', value: forced },
      { name: 'prefers-reduced-motion', value: motion },
    ];
    await this.#driver.sendDevToolsCommand('Emulation.setEmulatedMedia', { features });
    // A page from right to left that was smaller before would stay scrolled to the side.
    await this.#driver.sendDevToolsCommand('Emulation.clearDeviceMetricsOverride');
    await this.#driver.sendDevToolsCommand('Emulation.setDeviceMetricsOverride', size);
  }

  async #violations() {
    if (!(await this.run(() => 'axe' in window))) await this.run(axe);
    return this.run(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
    });
  }

  /** Takes a screenshot of the whole page, not only of the visible part. */
  async #picture(format = { format: 'png' }) {
    const { cssContentSize, cssLayoutViewport } = await this.#driver.sendAndGetDevToolsCommand('Page.getLayoutMetrics', {});
    const clip = { ...cssContentSize, scale: 1 };
    // Beyond the viewport only if need be: that shifts a page from right to left sideways.
    const all = { ...format, captureBeyondViewport: cssContentSize.height > cssLayoutViewport.clientHeight, clip };
    const { data } = await this.#driver.sendAndGetDevToolsCommand('Page.captureScreenshot', all);
    return Buffer.from(data, 'base64');
  }
}

/** Returns `undefined` for the two errors by which the driver says that an element's page is gone; rethrows others. */
function undefinedIfGone(problem) {
  const gone = problem instanceof error.StaleElementReferenceError;
  if (gone || /does not belong to the document/.test(problem.message)) return undefined;
  throw problem;
}

/** Opens a web server of somebody else. */
export async function openSite() {
  const pages = [];
  const server = createServer((request, response) => {
    const page = pages[Number(request.url.slice(1))];
    response.writeHead(page ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page ?? '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    /** Adds a page. To a server on 127.0.0.1, `localhost` is another site, `127.0.0.1` only another origin. */
    page(html, host) {
      const index = pages.push(`<!DOCTYPE html><title>Elsewhere</title>${html}`) - 1;
      return `http://${host}:${port}/${index}`;
    },
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

export { Key };
