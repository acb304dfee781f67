// The page of the materials without reloads: drag, camera, a bar for each file, replacing, removing, cutting the photo.
// Loaded on that page alone, after app.js; without it the same forms are sent in the ordinary way.
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
  const button = (text, act, className) => {
    const element = make("button", className || "button button-link button-small", text);
    element.type = "button";
    on(element, "click", act);
    return element;
  };
  const size = (bytes) => (bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`);
  // What a browser can show is cut and saved as JPEG here, so the photo may be chosen in any of these.
  const PICTURES = ".jpg,.jpeg,.png,.webp,.bmp";
  const LARGEST_PICTURE = 20 * 1048576;
  // As many pixels as reading a page of A4 takes, and what is light enough to go as it is.
  const ENOUGH = 2600;
  const LIGHT = 1.5 * 1048576;
  const STALLED = 60000;
  const AGAIN = 5000;

  const main = document.querySelector("main");
  if (!main.querySelector("[data-material]")) return;
  main.classList.add("has-uploader");
  const said = make("p", "sr");
  said.setAttribute("role", "status");
  main.append(said);

  // Sending: one file after another, so that a slow line finishes something.
  const waiting = [];
  let current = null;

  function send(form, changes, task, file) {
    const request = new XMLHttpRequest();
    const body = new FormData();
    all("input[type=hidden]", form).forEach((input) => body.append(input.name, input.value));
    Object.keys(changes).forEach((name) => body.append(name, changes[name]));
    request.open("POST", form.action);
    request.setRequestHeader("X-Autosave", "1");
    request.setRequestHeader("Accept", "application/json");
    let moved = Date.now();
    const watch = window.setInterval(() => { if (Date.now() - moved > STALLED) request.abort(); }, 1000);
    on(request.upload, "progress", (event) => {
      moved = Date.now();
      if (task.progress) task.progress(event.loaded, event.total);
    });
    on(request, "loadend", () => {
      window.clearInterval(watch);
      if (task.cancelled) return;
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch (error) { /* A page, or nothing. */ }
      if (answer && request.status === 200) task.done(answer, file);
      else if (answer && answer.message) task.refused(answer.message);
      else if (request.status === 0 || request.status === 502 || request.status === 503 || request.status === 504) task.lost();
      else if (request.status === 413) task.refused("文件超过系统限制，请压缩后重新选择。");
      else if (/\/sign-in/.test(request.responseURL) || request.status === 400) task.refused("登录已超时，请重新登录后再上传。");
      else task.refused("没有完成，请稍后重试。");
    });
    task.request = request;
    request.send(body);
  }

  // What was changed on the server is shown anew, that kind alone. A picture just sent is here already: it comes last.
  function show(section, answer, sent) {
    const part = section.querySelector("[data-material-part]");
    said.textContent = answer.message;
    if (!answer.html) {
      section.remove();
      return;
    }
    part.innerHTML = answer.html;
    const last = all(".file", part).pop();
    const picture = last && last.querySelector("img");
    if (picture && sent) {
      picture.src = URL.createObjectURL(sent);
      on(picture, "load", () => URL.revokeObjectURL(picture.src));
    }
    dress(section);
    const heading = part.querySelector("h2");
    heading.tabIndex = -1;
    if (!document.activeElement || document.activeElement === document.body) heading.focus({ preventScroll: true });
  }

  function enqueue(section, form, field, file) {
    let list = section.querySelector("[data-queue]");
    if (!list) {
      list = make("ul", "files");
      list.dataset.queue = "";
      section.append(list);
    }
    const line = make("li", "file upload");
    const words = make("div", "upload-words");
    const state = make("small", "", "等待上传");
    const bar = make("progress");
    const tools = make("div", "file-actions");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `${file.name}上传进度`);
    words.append(make("span", "", file.name), state, bar);
    const retry = button("立即重试", () => { window.clearTimeout(task.timer); start(task); });
    const leave = button("取消", () => {
      task.cancelled = true;
      window.clearTimeout(task.timer);
      if (task.request) task.request.abort();
      finish();
    });
    retry.hidden = true;
    tools.append(retry, leave);
    line.append(words, tools);
    list.append(line);

    const finish = () => {
      line.remove();
      if (!list.children.length) list.remove();
      const place = waiting.indexOf(task);
      if (place >= 0) waiting.splice(place, 1);
      if (current === task) current = null;
      next();
    };
    const task = {
      // The form may be shown anew while the file waits; its address and token stay the same.
      form, field, file, again: false,
      begin() {
        retry.hidden = true;
        line.classList.remove("is-held");
        state.textContent = "正在上传";
      },
      progress(loaded, total) {
        bar.value = total ? loaded / total : 0;
        state.textContent = loaded < total ? `已传 ${size(loaded)}，共 ${size(total)}` : "已传完，正在检查文件";
      },
      done(answer, sent) {
        show(section, answer, sent);
        finish();
      },
      refused(message) {
        bar.remove();
        state.className = "field-error";
        state.textContent = message;
        state.setAttribute("role", "alert");
        retry.remove();
        leave.textContent = "知道了";
        if (current === task) current = null;
        next();
      },
      lost() {
        // Whether it arrived is not known: sent again, the same file counts once.
        task.again = true;
        retry.hidden = false;
        line.classList.add("is-held");
        state.textContent = "网络中断，恢复后自动继续上传";
        task.timer = window.setTimeout(() => start(task), AGAIN);
      },
    };
    waiting.push(task);
    next();
  }

  function start(task) {
    if (task.cancelled || current !== task) return;
    task.begin();
    task.light = task.light || lighter(task.file);
    task.light.then((file) => {
      if (!task.cancelled) send(task.form, Object.assign({ [task.field]: file }, task.again ? { again: "1" } : {}), task, file);
    });
  }

  // A camera takes many times the pixels that are needed: made smaller here, and upright, the picture arrives in a tenth of
  // the time on a weak signal. What cannot be opened goes as it is, for the server says what is wrong with it; so does what
  // lacks its end, of which the browser would show a part as if it were all.
  const ENDS = { "image/jpeg": [0xff, 0xd9], "image/png": [0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82] };
  async function lighter(file) {
    const end = ENDS[file.type];
    if (!end || file.size <= LIGHT) return file;
    const last = new Uint8Array(await file.slice(-end.length).arrayBuffer());
    if (!end.every((byte, i) => byte === last[i])) return file;
    const picture = make("img");
    picture.src = URL.createObjectURL(file);
    try {
      await picture.decode();
      const whole = { left: 0, top: 0, width: picture.naturalWidth, height: picture.naturalHeight };
      const scale = Math.min(1, ENOUGH / Math.max(whole.width, whole.height));
      const canvas = draw(picture, whole, whole.width * scale, whole.height * scale);
      const made = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.88); });
      return made && made.size < file.size ? new File([made], asJpg(file.name), { type: "image/jpeg" }) : file;
    } catch (error) {
      return file;
    } finally {
      URL.revokeObjectURL(picture.src);
    }
  }

  function next() {
    if (current || !waiting.length) return;
    current = waiting.shift();
    start(current);
  }

  on(window, "online", () => {
    if (!current || !current.again) return;
    window.clearTimeout(current.timer);
    if (!current.request || current.request.readyState === XMLHttpRequest.DONE) start(current);
  });
  on(window, "beforeunload", (event) => {
    if (!current && !waiting.length) return;
    event.preventDefault();
    event.returnValue = "";
  });

  // Choosing files: a large place to press or drop on; on a phone the camera beside it.
  function dress(section) {
    all("form[data-upload]", section).forEach((form) => {
      const input = form.querySelector("input[type=file]");
      const box = input.closest(".field");
      const label = box.querySelector("label");
      const places = make("div", "upload-places");
      const choose = make("label", "drop", "");
      const many = input.multiple ? "可以一次选几个文件" : "";
      const touch = window.matchMedia("(pointer: coarse)").matches;
      choose.append(make("strong", "", label.textContent.trim()), make("span", "", touch ? many : `点击选择，或把文件拖到这里${many ? `；${many}` : ""}`));
      label.className = "sr";
      choose.append(input);
      places.append(choose);
      if (form.dataset.crop) {
        input.accept = "image/*";
        input.dataset.formats = PICTURES;
        input.dataset.maxBytes = LARGEST_PICTURE;
      }
      input.dataset.maxPictureBytes = LARGEST_PICTURE;
      box.querySelector("[data-file-rule]").append(form.dataset.crop ? "；其他格式和更大的照片裁剪后自动调整" : "；更大的照片自动缩小");
      if (touch) {
        const camera = input.cloneNode();
        camera.removeAttribute("id");
        camera.multiple = false;
        camera.accept = "image/*";
        camera.setAttribute("capture", form.dataset.crop ? "user" : "environment");
        camera.setAttribute("aria-label", "拍照上传");
        const shoot = make("label", "drop", "");
        shoot.append(make("strong", "", "拍照"), camera);
        places.append(shoot);
      }
      box.insertBefore(places, box.querySelector("[data-file-rule]"));
    });
  }

  function take(form, files) {
    const section = form.closest("[data-material]");
    const field = form.querySelector("input[type=file]").name;
    const replaced = form.closest("details");
    if (replaced) replaced.open = false;
    files.forEach((file) => {
      if (form.dataset.crop) cut(file, form.dataset.crop).then((made) => { if (made) enqueue(section, form, field, made); });
      else enqueue(section, form, field, file);
    });
  }

  // app.js has looked at format and size first and emptied the input where something is wrong.
  on(document, "change", (event) => {
    const input = event.target;
    const form = input.type === "file" && input.closest("form[data-upload]");
    if (!form) return;
    const files = Array.from(input.files);
    input.value = "";
    all(".file-chosen", form).forEach((line) => line.remove());
    take(form, files);
  });

  // Where a file that is dropped goes: to the others; it takes another's place only where there can be but one.
  const formAt = (section) => section.querySelector("form[data-upload][action*='/materials/']") || section.querySelector("form[data-crop]");
  on(document, "dragover drop dragleave", (event) => {
    const section = event.target.closest && event.target.closest("[data-material]");
    const form = section && formAt(section);
    all(".is-over").forEach((old) => { if (old !== section) old.classList.remove("is-over"); });
    if (event.type !== "dragleave") event.preventDefault();
    if (!form) return;
    section.classList.toggle("is-over", event.type === "dragover");
    if (event.type !== "drop") return;
    const input = form.querySelector("input[type=file]");
    const chosen = new DataTransfer();
    Array.from(event.dataTransfer.files).slice(0, input.multiple ? 99 : 1).forEach((file) => chosen.items.add(file));
    if (!chosen.files.length) return;
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // Removing; app.js has asked first.
  on(document, "submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !("remove" in form.dataset)) return;
    event.preventDefault();
    const section = form.closest("[data-material]");
    const fail = (message) => {
      delete form.dataset.sent;
      all(".is-busy", form).forEach((one) => one.classList.remove("is-busy"));
      const line = make("p", "field-error", message);
      line.setAttribute("role", "alert");
      all(".field-error", form).forEach((old) => old.remove());
      form.append(line);
    };
    send(form, {}, { done: (answer) => show(section, answer), refused: fail, lost: () => fail("网络中断，没有删除，请稍后重试。") });
  });

  // Cutting the photo to its ratio: drag or the arrow keys move it, the slider, the wheel or + and - make it larger.
  // Gives the JPEG, or nothing where the person leaves it.
  function cut(file, ratio) {
    const [width, height] = ratio.split(":").map(Number);
    const picture = make("img");
    const dialog = make("dialog", "cutter");
    if (!dialog.showModal) return Promise.resolve(file);
    return new Promise((resolve) => {
      on(picture, "error", () => { complain(`“${file.name}”不能打开，请换一张照片，或用手机直接拍照。`); resolve(null); });
      on(picture, "load", () => {
        const natural = { width: picture.naturalWidth, height: picture.naturalHeight };
        if (natural.width < width || natural.height < height) {
          complain(`照片为 ${natural.width}×${natural.height} 像素，小于要求的 ${width}×${height} 像素，请选择更大的照片。`);
          resolve(null);
          return;
        }
        const stage = make("div", "cutter-stage");
        const slider = make("input");
        const view = { width: 236, height: Math.round((236 * height) / width) };
        // `scale` is shown pixels for one of the picture's own: never so large that too few of these are left.
        const least = Math.max(view.width / natural.width, view.height / natural.height);
        const most = Math.max(least, view.width / width);
        const at = { scale: least, left: 0, top: 0 };
        const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
        const place = () => {
          at.left = clamp(at.left, view.width - natural.width * at.scale, 0);
          at.top = clamp(at.top, view.height - natural.height * at.scale, 0);
          picture.style.width = `${natural.width * at.scale}px`;
          picture.style.transform = `translate(${at.left}px, ${at.top}px)`;
          slider.value = most > least ? Math.round(((at.scale - least) / (most - least)) * 100) : 0;
        };
        const zoom = (scale) => {
          const wanted = clamp(scale, least, most);
          const middle = { left: view.width / 2, top: view.height / 2 };
          at.left = middle.left - ((middle.left - at.left) * wanted) / at.scale;
          at.top = middle.top - ((middle.top - at.top) * wanted) / at.scale;
          at.scale = wanted;
          place();
        };
        at.left = (view.width - natural.width * least) / 2;
        // A face stands in the upper part.
        at.top = (view.height - natural.height * least) / 3;
        stage.style.width = `${view.width}px`;
        stage.style.height = `${view.height}px`;
        stage.tabIndex = 0;
        stage.setAttribute("role", "application");
        stage.setAttribute("aria-label", "照片位置：方向键移动，加号减号缩放");
        picture.alt = "";
        picture.draggable = false;
        stage.append(picture);
        slider.type = "range";
        slider.setAttribute("aria-label", "放大");
        slider.disabled = most <= least;
        on(slider, "input", () => zoom(least + ((most - least) * slider.value) / 100));
        on(stage, "wheel", (event) => { event.preventDefault(); zoom(at.scale * (event.deltaY < 0 ? 1.08 : 1 / 1.08)); });
        on(stage, "keydown", (event) => {
          const steps = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] };
          if (steps[event.key]) {
            at.left += steps[event.key][0];
            at.top += steps[event.key][1];
            place();
          } else if (event.key === "+" || event.key === "=") zoom(at.scale * 1.08);
          else if (event.key === "-") zoom(at.scale / 1.08);
          else return;
          event.preventDefault();
        });
        let held = null;
        on(stage, "pointerdown", (event) => {
          held = { x: event.clientX - at.left, y: event.clientY - at.top };
          stage.setPointerCapture(event.pointerId);
        });
        on(stage, "pointermove", (event) => {
          if (!held) return;
          at.left = event.clientX - held.x;
          at.top = event.clientY - held.y;
          place();
        });
        on(stage, "pointerup pointercancel", () => { held = null; });
        const finish = (made) => {
          URL.revokeObjectURL(picture.src);
          dialog.remove();
          resolve(made);
        };
        const actions = make("div", "actions");
        actions.append(
          button("使用这张照片", () => {
            const from = { left: -at.left / at.scale, top: -at.top / at.scale, width: view.width / at.scale, height: view.height / at.scale };
            asJpeg(picture, from, width, height).then((data) => finish(new File([data], asJpg(file.name), { type: "image/jpeg" })));
          }, "button button-primary"),
          button("取消", () => finish(null), "button button-plain"),
        );
        on(dialog, "cancel", () => finish(null));
        dialog.setAttribute("aria-label", "裁剪照片");
        dialog.append(make("h2", "", "裁剪照片"), make("p", "field-hint", "拖动照片、左右滑动放大，使头部居中、头顶留出少许空白；应为白底免冠近照。"), stage, slider, actions);
        document.body.append(dialog);
        dialog.showModal();
        place();
        stage.focus();
      });
      picture.src = URL.createObjectURL(file);
    });
    function complain(message) {
      const box = document.querySelector("#material-photo .field-file");
      const line = make("p", "field-error file-refused", message);
      line.setAttribute("role", "alert");
      if (box) box.append(line);
    }
  }

  const asJpg = (name) => `${name.replace(/\.[^.]*$/, "")}.jpg`;

  // A part of a picture in a size, on white.
  function draw(picture, from, width, height) {
    const canvas = make("canvas");
    canvas.width = Math.round(width);
    canvas.height = Math.round(height);
    const brush = canvas.getContext("2d");
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, canvas.width, canvas.height);
    brush.imageSmoothingQuality = "high";
    brush.drawImage(picture, from.left, from.top, from.width, from.height, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  // As large as the picture allows up to twice the least, then as fine as fits between the two limits of 20 KB and 1 MB.
  function asJpeg(picture, from, width, height) {
    const times = Math.min(2, Math.max(1, from.width / width));
    const canvas = draw(picture, from, width * times, height * times);
    const fine = [0.92, 0.98, 1];
    const encode = (quality) => new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", quality); });
    return fine.reduce((before, quality) => before.then((made) => (made && made.size >= 24 * 1024 ? made : encode(quality))), Promise.resolve(null))
      .then((made) => (made.size > 1000 * 1024 ? encode(0.8) : made));
  }

  all("[data-material]").forEach(dress);
})();
