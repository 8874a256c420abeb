//! Methods as plain C functions, in front of those that pyo3 makes: where handling arguments in
//! general costs more than the method does, or refuses what has to be taken.

use std::ffi::{CStr, c_char};

use crate::threads::once::Once;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// What the interpreter calls: the object, the arguments, how many of them are positional, and the
/// names of the others, a tuple or null.
pub(crate) type Function = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

/// More than any of the methods takes, and the object.
const MAX_ARGUMENTS: usize = 16;

/// A method of pyo3's with a function in front of it.
pub(crate) struct QuickMethod {
    name: &'static CStr,
    /// Begins with the line from which `inspect.signature` reads the parameters.
    documentation: &'static CStr,
    function: Function,
    method: Once<Method>,
}

/// What pyo3 has made, and its function where it takes the arguments as they come.
struct Method {
    object: Py<PyAny>,
    function: Option<Function>,
}

impl Method {
    #[expect(unsafe_code, reason = "pyo3 has no binding of a method's definition")]
    fn of(object: Bound<'_, PyAny>) -> Self {
        let mut function = None;
        // SAFETY: an object of exactly that type is laid out so, and lives for ever, as its
        // definition does; the flags say which of the functions it is.
        unsafe {
            if ffi::Py_TYPE(object.as_ptr()) == &raw mut ffi::PyMethodDescr_Type {
                let descriptor = object.as_ptr().cast::<ffi::PyMethodDescrObject>();
                let definition = &*(*descriptor).d_method;
                if definition.ml_flags == ffi::METH_FASTCALL | ffi::METH_KEYWORDS {
                    function = Some(definition.ml_meth.PyCFunctionFastWithKeywords);
                }
            }
        }
        Self {
            object: object.unbind(),
            function,
        }
    }
}

impl QuickMethod {
    pub(crate) const fn new(
        name: &'static CStr,
        documentation: &'static CStr,
        function: Function,
    ) -> Self {
        Self {
            name,
            documentation,
            function,
            method: Once::new(),
        }
    }

    /// Puts the function in the place of the method of `class`; once, when the module is made. It is
    /// called with instances of `object_class` alone.
    #[expect(unsafe_code, reason = "PyDescr_NewMethod has no safe binding")]
    pub(crate) fn install(
        &'static self,
        class: &Bound<'_, PyType>,
        object_class: &Bound<'_, PyType>,
    ) -> PyResult<()> {
        let py = class.py();
        let name = self.name.to_string_lossy();
        let method = Method::of(class.getattr(&*name)?);
        if self.method.set(py, method).is_err() {
            return Ok(());
        }
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: self.name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer {
                PyCFunctionFastWithKeywords: self.function,
            },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: self.documentation.as_ptr().cast::<c_char>(),
        }));
        // SAFETY: the definition lives for ever and its function has the signature that the flags
        // say; the result is a new reference, or null with an exception set.
        let method = unsafe {
            Bound::from_owned_ptr_or_err(
                py,
                ffi::PyDescr_NewMethod(object_class.as_type_ptr(), definition),
            )?
        };
        class.setattr(&*name, method)
    }

    /// Calls pyo3's method with `object` and the arguments as the interpreter gave them.
    ///
    /// # Safety
    ///
    /// The thread is attached; `object` is of the class; `arguments` are `count` objects and those that
    /// `names` names.
    #[inline]
    #[expect(unsafe_code, reason = "a function of the interpreter's kind")]
    pub(crate) unsafe fn call(
        &self,
        py: Python<'_>,
        object: *mut ffi::PyObject,
        arguments: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe {
            match self.method.get(py) {
                Some(Method {
                    function: Some(function),
                    ..
                }) => function(object, arguments, count, names),
                Some(method) => {
                    vectorcall(py, method.object.bind(py), object, arguments, count, names)
                }
                None => {
                    PyRuntimeError::new_err("the method was never installed").restore(py);
                    std::ptr::null_mut()
                }
            }
        }
    }
}

/// Calls `callable` with `object` and the arguments as the interpreter gave them.
///
/// # Safety
///
/// The thread is attached; `arguments` are `count` objects and those that `names` names.
#[expect(unsafe_code, reason = "PyObject_Vectorcall has no safe binding")]
pub(crate) unsafe fn vectorcall(
    py: Python<'_>,
    callable: &Bound<'_, PyAny>,
    object: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; nothing is read beyond `all` arguments.
    unsafe {
        let named = if names.is_null() {
            0
        } else {
            ffi::PyTuple_Size(names).max(0)
        };
        let positional = usize::try_from(count).unwrap_or(0);
        let all = positional + usize::try_from(named).unwrap_or(0);
        if all >= MAX_ARGUMENTS {
            PyTypeError::new_err("too many arguments").restore(py);
            return std::ptr::null_mut();
        }
        let mut every = [std::ptr::null_mut(); MAX_ARGUMENTS];
        let given = (0..all).map(|index| *arguments.add(index));
        for (place, argument) in every.iter_mut().zip(std::iter::once(object).chain(given)) {
            *place = argument;
        }
        ffi::PyObject_Vectorcall(callable.as_ptr(), every.as_ptr(), positional + 1, names)
    }
}
