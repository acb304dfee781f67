// Makes pages quicker to use; every one works without it. One file, no dependencies, nothing newer than Chromium 86.
(function () {
  "use strict";

  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const on = (target, names, act) => names.split(" ").forEach((name) => target.addEventListener(name, act));
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };

  // The error summary takes the focus; its links go to the input itself, also within a group.
  const focusable = "input:not([type=hidden]), select, textarea, button";
  all("[data-error-summary]").slice(0, 1).forEach((box) => box.focus());
  on(document, "click", (event) => {
    const link = event.target.closest("[data-error-summary] a");
    const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!target) return;
    event.preventDefault();
    target.scrollIntoView({ block: "center" });
    (target.matches(focusable) ? target : target.querySelector(focusable) || target).focus({ preventScroll: true });
  });

  // Ask before what cannot be undone.
  const confirmed = new WeakSet();
  function ask(question, yes) {
    const dialog = make("dialog");
    if (!dialog.showModal) {
      if (window.confirm(question)) yes();
      return;
    }
    const buttons = make("div", "actions");
    const agree = make("button", "button button-primary", "确定");
    const leave = make("button", "button button-plain", "取消");
    agree.type = leave.type = "button";
    on(agree, "click", () => { dialog.close(); yes(); });
    on(leave, "click", () => dialog.close());
    on(dialog, "close", () => dialog.remove());
    buttons.append(agree, leave);
    dialog.append(make("p", "", question), buttons);
    dialog.setAttribute("aria-label", question);
    document.body.append(dialog);
    dialog.showModal();
    leave.focus();
  }

  // Submitting: confirmation first, then once only.
  on(document, "submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const question = (button && button.dataset.confirm) || form.dataset.confirm;
    if (event.defaultPrevented) return;
    if (question && !confirmed.has(form)) {
      event.preventDefault();
      ask(question, () => {
        confirmed.add(form);
        form.requestSubmit(button || undefined);
      });
      return;
    }
    confirmed.delete(form);
    if ((form.getAttribute("method") || "get").toLowerCase() !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    if (button) button.classList.add("is-busy");
    // A file that comes back as a download leaves the page standing: let it be used again.
    window.setTimeout(() => release(form), 8000);
  });
  function release(form) {
    delete form.dataset.sent;
    all(".is-busy", form).forEach((button) => button.classList.remove("is-busy"));
  }
  on(window, "pageshow", () => all("form").forEach(release));

  // Rows of a list open with a click or Enter.
  on(document, "click keydown", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (!row || event.defaultPrevented || event.target.closest("a, button, input, select, label, summary, textarea")) return;
    if (event.type === "keydown" ? event.key !== "Enter" : String(window.getSelection())) return;
    if (event.ctrlKey || event.metaKey) window.open(row.dataset.href);
    else window.location.assign(row.dataset.href);
  });
  all("tr[data-href]").forEach((row) => {
    if (!row.querySelector("a")) row.tabIndex = 0;
  });

  // Desk: j/k move from row to row, x ticks one, / goes to the search.
  all("[data-rows]").forEach((box) => {
    const lines = all("tbody tr", box).filter((row) => row.querySelector("a"));
    on(document, "keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
      const here = lines.indexOf(event.target.closest("tr"));
      if (event.key === "/") box.querySelector("input[type=search]").focus();
      else if ((event.key === "j" || event.key === "k") && lines.length) {
        lines[Math.min(Math.max(here + (event.key === "j" ? 1 : -1), 0), lines.length - 1)].querySelector("a").focus();
      } else if (event.key === "x" && here >= 0) {
        const tick = lines[here].querySelector("input[type=checkbox]");
        if (tick) tick.click();
      } else return;
      event.preventDefault();
    });
  });

  // Selection of rows for bulk actions: the bar counts, and appears with the first one.
  all("[data-bulk]").forEach((bar) => {
    const boxes = all(`input[type=checkbox][form="${bar.id}"]`);
    const every = document.querySelector("[data-select-all]");
    const update = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      bar.hidden = chosen === 0;
      bar.querySelector("[data-bulk-count]").textContent = `已选 ${chosen} 条`;
      boxes.forEach((box) => box.closest("tr").classList.toggle("is-selected", box.checked));
      every.checked = chosen === boxes.length;
      every.indeterminate = chosen > 0 && !every.checked;
    };
    every.hidden = false;
    on(every, "change", () => { boxes.forEach((box) => { box.checked = every.checked; }); update(); });
    boxes.forEach((box) => on(box, "change", update));
    update();
  });

  // A table of fields, as in a spreadsheet: Enter and the arrows go to the field below or above.
  on(document, "keydown", (event) => {
    const steps = { Enter: 1, ArrowDown: 1, ArrowUp: -1 };
    if (!event.target.matches("input[data-grid]") || !steps[event.key] || event.isComposing) return;
    event.preventDefault();
    const column = all("input[data-grid]").filter((field) => field.dataset.grid === event.target.dataset.grid);
    const next = column[column.indexOf(event.target) + (event.shiftKey ? -1 : steps[event.key])];
    if (next) { next.focus(); next.select(); }
  });

  // Filters apply at once; a new search begins on the first page.
  all("[data-filter]").forEach((form) => {
    all("select", form).forEach((select) => on(select, "change", () => form.submit()));
  });

  // Files: name, size and picture at once; a wrong one is refused before it is sent.
  const megabytes = (bytes) => (bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`);
  function problemOf(input, file) {
    // A picture that is made smaller before it is sent may be larger at first.
    const limit = Number((/^image\/(jpeg|png)$/.test(file.type) && input.dataset.maxPictureBytes) || input.dataset.maxBytes || 0);
    const endings = (input.dataset.formats || "").split(",").filter(Boolean);
    if (endings.length && !endings.some((ending) => file.name.toLowerCase().endsWith(ending))) {
      return `“${file.name}”不是可用的格式，请选择 ${endings.map((one) => one.slice(1).toUpperCase()).join("、")} 文件。`;
    }
    if (limit && file.size > limit) return `“${file.name}”有 ${megabytes(file.size)}，超过 ${megabytes(limit)}，请压缩后重新选择。`;
    return file.size === 0 ? `“${file.name}”是空文件，请重新选择。` : "";
  }
  on(document, "change", (event) => {
    const input = event.target;
    if (input.type !== "file") return;
    const box = input.closest(".field") || input.parentElement;
    all(".file-chosen, .file-refused", box).forEach((old) => old.remove());
    const files = Array.from(input.files);
    const problem = files.map((file) => problemOf(input, file)).find(Boolean);
    if (problem) {
      const message = make("p", "field-error file-refused", problem);
      message.setAttribute("role", "alert");
      input.value = "";
      input.after(message);
      return;
    }
    files.slice().reverse().forEach((file) => {
      const line = make("p", "file-chosen");
      if ("preview" in input.dataset && /^image\//.test(file.type)) {
        const picture = make("img");
        picture.alt = "预览";
        picture.src = URL.createObjectURL(file);
        line.append(picture);
      }
      line.append(`已选择：${file.name}（${megabytes(file.size)}）`);
      input.after(line);
    });
  });

  // Blocks that belong to one answer: data-show-when="name=value|other".
  const dependents = all("[data-show-when]");
  function showDependents() {
    dependents.forEach((block) => {
      const rule = block.dataset.showWhen;
      const name = rule.slice(0, rule.indexOf("="));
      const wanted = rule.slice(rule.indexOf("=") + 1).split("|");
      const inputs = all("input, select", block.closest("form") || document).filter((input) => input.name === name);
      block.hidden = !inputs.some((input) => (/radio|checkbox/.test(input.type) ? input.checked : true) && wanted.includes(input.value));
    });
  }
  if (dependents.length) {
    on(document, "change", showDependents);
    showDependents();
  }

  // Rows that repeat.
  function addRow(add, number) {
    const into = document.getElementById(add.dataset.repeatInto);
    const holder = make("template");
    holder.innerHTML = document.getElementById(add.dataset.repeat).innerHTML.replace(/__index__/g, number);
    into.append(holder.content);
    return into.lastElementChild;
  }
  on(document, "click", (event) => {
    const add = event.target.closest("[data-repeat]");
    const remove = event.target.closest("[data-repeat-remove]");
    if (add) {
      event.preventDefault();
      const numbers = all("[data-repeat-row]", document.getElementById(add.dataset.repeatInto)).map((row) => Number(row.dataset.repeatRow));
      const first = addRow(add, Math.max(-1, ...numbers) + 1).querySelector(focusable);
      if (first) first.focus();
    } else if (remove) {
      event.preventDefault();
      const form = remove.closest("form");
      remove.closest("[data-repeat-row]").remove();
      if (form) form.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });

  // Autosave. What cannot be sent stays in this browser, under this account, until it has been.
  const keep = { prefix: "gongkao:", days: 7 };
  // The server says on the next page which form has arrived; until then its copy stays, whatever became of the sending.
  if (document.body.dataset.saved) {
    try {
      localStorage.removeItem(`${keep.prefix}${document.body.dataset.account || ""}:${document.body.dataset.saved}`);
    } catch (error) { /* Without a store there is nothing to forget. */ }
  }
  all("form[data-autosave]").forEach((form) => {
    const url = form.dataset.autosave;
    const key = `${keep.prefix}${document.body.dataset.account || ""}:${url}`;
    const status = document.querySelector("[data-saved-at]");
    const tell = (text, held) => {
      if (!status) return;
      status.textContent = text;
      status.classList.toggle("is-held", Boolean(held));
    };
    // The token and the mark of what the page was opened with are sent along, but are nothing that somebody typed. The
    // page's key is for its own sending alone: saving as one types comes again and again.
    const carried = ["csrf_token", "version"];
    const typed = (name) => !carried.includes(name) && name !== "request_key";
    const fields = () => Array.from(new FormData(form)).filter(([name, value]) => typeof value === "string" && typed(name));
    const mark = form.elements.version;
    const store = () => {
      try {
        localStorage.setItem(key, JSON.stringify({ at: Date.now(), fields: fields(), version: mark ? mark.value : "" }));
      } catch (error) { /* A full or closed store must not stop anyone from typing. */ }
    };
    let saved = JSON.stringify(fields());
    let busy = false;
    async function save(leaving) {
      const now = JSON.stringify(fields());
      if (busy || form.dataset.sent || now === saved) return;
      busy = true;
      const body = new FormData();
      fields().forEach(([name, value]) => body.append(name, value));
      carried.forEach((name) => { if (form.elements[name]) body.append(name, form.elements[name].value); });
      try {
        const answer = await fetch(url, { method: "POST", body, keepalive: leaving === true, headers: { Accept: "application/json", "X-Autosave": "1" } });
        const json = /json/.test(answer.headers.get("Content-Type") || "") ? await answer.json() : null;
        if (mark && json && json.version) mark.value = json.version;
        if (answer.ok && !answer.redirected && json) {
          saved = now;
          localStorage.removeItem(key);
          tell(`已保存 ${json.saved || new Date().toTimeString().slice(0, 5)}`);
        } else {
          store();
          tell((json && json.message) || (answer.status >= 500 ? "系统繁忙，内容保存在本机，稍后自动补存。" : "登录已超时，内容保存在本机，请重新登录后继续填写。"), true);
        }
      } catch (error) {
        store();
        tell("网络中断，内容保存在本机，恢复后自动补存。", true);
      }
      busy = false;
    }
    function restore() {
      let copy = null;
      try {
        copy = JSON.parse(localStorage.getItem(key));
      } catch (error) { return; }
      if (!copy) return;
      if (Date.now() - copy.at > keep.days * 86400000 || document.querySelector("[data-error-summary]")) {
        localStorage.removeItem(key);
        return;
      }
      const values = new Map();
      copy.fields.forEach(([name, value]) => values.set(name, (values.get(name) || []).concat(value)));
      // What was typed before somebody changed the same page elsewhere must still be seen to differ.
      if (mark && copy.version) mark.value = copy.version;
      const add = form.querySelector("[data-repeat]");
      const numbers = Array.from(values.keys()).map((name) => name.split("-")).filter((parts) => parts.length === 3).map((parts) => Number(parts[1]));
      if (add) new Set(numbers).forEach((number) => { if (!form.querySelector(`[data-repeat-row="${number}"]`)) addRow(add, number); });
      Array.from(form.elements).forEach((input) => {
        if (!input.name || /hidden|file|submit|button/.test(input.type)) return;
        const found = values.get(input.name);
        if (/radio|checkbox/.test(input.type)) input.checked = Boolean(found && found.includes(input.value));
        else if (found && found.length) input.value = found.shift();
      });
      showDependents();
      tell("已恢复上次未能存到系统的内容，正在补存。", true);
      save();
    }
    restore();
    window.setInterval(save, 60000);
    on(window, "online", save);
    on(document, "visibilitychange", () => { if (document.visibilityState === "hidden") save(true); });
    on(form, "submit", store);
  });
  // On a shared computer nothing of one person stays behind for the next.
  on(document, "submit", (event) => {
    if ("signOut" in event.target.dataset) Object.keys(localStorage).filter((key) => key.startsWith(keep.prefix)).forEach((key) => localStorage.removeItem(key));
  });

  // Search as one types: a list below the input; the chosen id goes to the target field.
  all("input[data-lookup]").forEach((input, index) => {
    const list = make("ul", "lookup-list");
    const target = document.getElementById(input.dataset.lookupTarget || "");
    let at = -1;
    let timer = 0;
    let asked = 0;
    input.after(list);
    list.id = `lookup-${index}`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false", autocomplete: "off" }).forEach(([name, value]) => input.setAttribute(name, value));
    const open = (yes) => { list.hidden = !yes; at = -1; input.setAttribute("aria-expanded", String(yes)); };
    const mark = (next) => {
      const options = all("[role=option]", list);
      if (!options.length) return;
      at = (next + options.length) % options.length;
      options.forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
      input.setAttribute("aria-activedescendant", options[at].id);
      options[at].scrollIntoView({ block: "nearest" });
    };
    const choose = (option) => {
      input.value = option.dataset.label;
      if (target) {
        target.value = option.dataset.id;
        target.dispatchEvent(new Event("change", { bubbles: true }));
      }
      open(false);
    };
    async function search() {
      const mine = ++asked;
      const url = new URL(input.dataset.lookup, window.location.href);
      url.searchParams.set("q", input.value.trim());
      let found = [];
      try {
        found = await (await fetch(url, { headers: { Accept: "application/json" } })).json();
      } catch (error) { return; }
      if (mine !== asked) return;
      list.textContent = "";
      found.forEach((one, i) => {
        const option = make("li", "", one.label);
        option.id = `${list.id}-${i}`;
        option.setAttribute("role", "option");
        option.dataset.id = one.id;
        option.dataset.label = one.label;
        if (one.note) option.append(make("small", "", one.note));
        list.append(option);
      });
      if (!found.length) list.append(make("li", "none", "没有找到，请换个词再试"));
      open(true);
    }
    on(input, "input", () => {
      if (target) target.value = "";
      window.clearTimeout(timer);
      if (input.value.trim()) timer = window.setTimeout(search, 250);
      else open(false);
    });
    on(input, "keydown", (event) => {
      if (list.hidden) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") mark(event.key === "ArrowDown" ? at + 1 : Math.max(at, 0) - 1);
      else if (event.key === "Enter" && at >= 0) choose(list.children[at]);
      else if (event.key === "Escape") open(false);
      else return;
      event.preventDefault();
    });
    on(list, "mousedown", (event) => {
      const option = event.target.closest("[role=option]");
      event.preventDefault();
      if (option) choose(option);
    });
    on(input, "blur", () => open(false));
  });

  // The viewer: what it shows is marked wherever it is linked; pictures fit, zoom and turn.
  all("iframe[name=viewer]").forEach((frame) => {
    const links = all("a[target=viewer]");
    const box = document.querySelector("[data-picture]");
    const picture = box.querySelector("img");
    let zoom = 1;
    let turn = 0;
    const draw = () => {
      const room = box.querySelector(".viewer-room");
      const sides = turn % 180 ? [picture.naturalHeight, picture.naturalWidth] : [picture.naturalWidth, picture.naturalHeight];
      const fit = Math.min(1, room.clientWidth / sides[0], room.clientHeight / sides[1]);
      const width = picture.naturalWidth * fit * zoom;
      const height = picture.naturalHeight * fit * zoom;
      // Turned on its side a picture keeps its old place; the margins make room for the new one.
      const shift = turn % 180 ? (height - width) / 2 : 0;
      picture.style.width = `${width}px`;
      picture.style.margin = `${-shift}px ${shift}px`;
      picture.style.transform = `rotate(${turn}deg)`;
    };
    const show = (link) => {
      links.forEach((one) => (one.href === link.href ? one.setAttribute("aria-current", "true") : one.removeAttribute("aria-current")));
      const isPicture = "image" in link.dataset;
      frame.hidden = isPicture;
      box.hidden = !isPicture;
      if (!isPicture) return false;
      zoom = 1;
      turn = 0;
      picture.src = link.href;
      picture.alt = link.title;
      return true;
    };
    on(picture, "load", draw);
    on(window, "resize", () => { if (!box.hidden && picture.naturalWidth) draw(); });
    on(box, "click", (event) => {
      const tool = event.target.closest("[data-zoom], [data-turn]");
      if (!tool) return;
      if (tool.dataset.turn) turn += Number(tool.dataset.turn);
      else zoom = Number(tool.dataset.zoom) ? Math.min(8, Math.max(0.25, zoom * Number(tool.dataset.zoom))) : 1;
      draw();
    });
    on(document, "click", (event) => {
      const link = event.target.closest("a[target=viewer]");
      if (link && !event.ctrlKey && !event.metaKey && show(link)) event.preventDefault();
    });
    const first = links.find((link) => link.href === frame.src);
    if (first) show(first);
  });

  // Review: j/k move, 1/2 choose, o opens the material, + - r zoom and turn it, Enter leads to the decision that can be
  // taken, n/p go to the next and the previous application, s saves; a decision waits until its rows allow it, and says
  // for what.
  const checks = all("[data-check]");
  const radio = (check, value) => check.querySelector(`input[type=radio][value=${value}]`);
  const comment = (check) => check.querySelector(".check-comment");
  function weigh() {
    const open = checks.filter((check) => !check.querySelector("input[type=radio]:checked"));
    const failed = checks.filter((check) => radio(check, "fail").checked);
    const silent = failed.filter((check) => !comment(check).value.trim());
    const asked = all("input[name=agree]").filter((box) => !box.checked);
    const why = {
      "all-pass": open.length ? `还有 ${open.length} 项未审查，暂不能通过。` : failed.length ? `有 ${failed.length} 项有问题，不能通过。` : asked.length ? `还有 ${asked.length} 项单位意见未勾选，暂不能通过。` : "",
      "some-fail": silent.length ? `有 ${silent.length} 项有问题但未写明问题和要求。` : failed.length ? "" : "没有标出有问题的项目，无需退回。",
    };
    all("[data-needs]").forEach((button) => {
      button.disabled = Boolean(why[button.dataset.needs]);
      button.title = why[button.dataset.needs] || "";
    });
    const note = document.querySelector("[data-decision-note]");
    if (note) note.textContent = silent.length ? why["some-fail"] : why["all-pass"] || `${checks.length} 项全部通过，可以作出决定。`;
  }
  if (checks.length) {
    on(document, "input change", weigh);
    weigh();
    // Enter ends a comment, and the keys below count again.
    checks.forEach((check) => on(comment(check), "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      event.stopPropagation();
      check.focus();
    }));
    on(document, "keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, dialog")) return;
      const here = checks.indexOf(event.target.closest("[data-check]"));
      const tool = { "+": "[data-zoom='1.5']", "=": "[data-zoom='1.5']", "-": "[data-zoom='0.667']", r: "[data-turn='90']" }[event.key];
      if (tool) {
        const picture = document.querySelector("[data-picture]");
        if (picture && !picture.hidden) picture.querySelector(tool).click();
      } else if (event.key === "Enter" && here >= 0 && !event.target.closest("a, button")) {
        const ready = document.querySelector("[data-needs=all-pass]:not([disabled])") || document.querySelector("[data-needs=some-fail]:not([disabled])");
        if (ready) ready.focus({ preventScroll: true });
      } else if (event.key === "j" || event.key === "k") {
        const next = checks[Math.min(Math.max(here + (event.key === "j" ? 1 : -1), 0), checks.length - 1)];
        // The material beside it stays in view.
        next.focus({ preventScroll: true });
        next.scrollIntoView({ block: "nearest" });
      } else if (here >= 0 && (event.key === "1" || event.key === "2")) {
        const choice = radio(checks[here], event.key === "1" ? "pass" : "fail");
        choice.checked = true;
        choice.dispatchEvent(new Event("change", { bubbles: true }));
        if (event.key === "2") comment(checks[here]).focus();
      } else if (here >= 0 && event.key === "o") {
        const file = checks[here].querySelector("a[target=viewer]");
        if (file) file.click();
      } else if (event.key === "n" || event.key === "p") {
        const link = document.querySelector(`a[rel=${event.key === "n" ? "next" : "prev"}]`);
        if (link) link.click();
      } else if (event.key === "s") {
        const save = document.querySelector("[data-save]");
        if (save) save.click();
      } else return;
      event.preventDefault();
    });
  }

  // A scanner types into the large field wherever the focus was: the field takes it back when nothing else is typed in.
  all("[data-scan]").forEach((input) => {
    input.focus();
    input.select();
    on(document, "keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1 || event.target.closest("input, select, textarea, dialog")) return;
      input.focus();
      input.select();
    });
  });
  // At the counter the code beside a document ticks its line.
  all("[data-scan-ticks]").forEach((box) => {
    const input = box.querySelector("[data-scan]");
    const said = box.querySelector("[data-scan-said]");
    box.hidden = false;
    input.focus();
    on(input, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      const code = input.value.trim();
      const tick = all("input[data-code]").find((one) => one.dataset.code === code);
      input.value = "";
      if (!code) return;
      said.textContent = tick ? `已勾选：${tick.dataset.named}` : "这件原件不在待办理之列，请核对名单后手工勾选。";
      if (!tick) return;
      tick.checked = true;
      tick.scrollIntoView({ block: "nearest" });
    });
  });
  all("[data-pick-all]").forEach((every) => {
    const boxes = all("tbody input[type=checkbox]", every.closest("table"));
    every.hidden = false;
    on(every, "change", () => boxes.forEach((box) => { box.checked = every.checked; }));
  });

  // Where places or tabs run out of the screen, the current one is in view.
  all(".places [aria-current], .tabs [aria-current]").forEach((link) => {
    const strip = link.closest(".tabs ul, .places");
    strip.scrollLeft = link.offsetLeft - (strip.clientWidth - link.offsetWidth) / 2;
  });

  // A job: how far it is, asked again every two seconds; once it has ended the page shows what came out.
  all("[data-job]").forEach((box) => {
    async function look() {
      try {
        const answer = await fetch(box.dataset.job, { headers: { Accept: "application/json" } });
        const job = await answer.json();
        if (!job.open) { window.location.reload(); return; }
        const bar = box.querySelector("progress");
        bar.value = job.done;
        const share = job.total ? Math.floor((100 * job.done) / job.total) : 0;
        box.querySelector(".progress-label .figure").textContent = `${job.done.toLocaleString("en")} / ${job.total.toLocaleString("en")}（${share}%）`;
        box.querySelector(".progress-label span").textContent = job.state;
        if (job.left) box.querySelector("[data-job-left]").textContent = job.left;
      } catch (error) { /* The line is down for a moment: the next look may do. */ }
      window.setTimeout(look, 2000);
    }
    window.setTimeout(look, 2000);
  });

  // Small things: showing a password, printing, going back, closing the person's menu.
  all("input[type=password]").forEach((input) => {
    const toggle = make("button", "", "显示");
    toggle.type = "button";
    toggle.setAttribute("aria-label", "显示密码");
    input.after(toggle);
    on(toggle, "click", () => {
      const hide = input.type === "text";
      input.type = hide ? "password" : "text";
      toggle.textContent = hide ? "显示" : "隐藏";
      toggle.setAttribute("aria-label", hide ? "显示密码" : "隐藏密码");
    });
  });
  all("[data-print]").forEach((button) => { button.hidden = false; on(button, "click", () => window.print()); });
  if (window.history.length > 1) all("[data-back]").forEach((button) => { button.hidden = false; on(button, "click", () => window.history.back()); });
  on(document, "click keydown", (event) => {
    all("[data-menu][open]").forEach((menu) => {
      if (event.type === "keydown" ? event.key === "Escape" : !menu.contains(event.target)) menu.open = false;
    });
  });
})();
