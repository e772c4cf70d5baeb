# Chat.cmake - targets with our flags; nothing here changes a global flag.

option(ZCHAT_WERROR "Warnings are errors (the presets say yes, packagers need not)" OFF)
option(ZCHAT_COVERAGE "Count lines for scripts/dev cover" OFF)
option(ZCHAT_FUZZ "Build the libFuzzer targets (clang)" OFF)
set(ZCHAT_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=: address,undefined or thread")

include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
# Hardening that not every compiler has; tests/hardening/test_binaries.py looks for it in what was built.
check_c_compiler_flag(-fstack-clash-protection CHAT_HAS_STACK_CLASH)
check_c_compiler_flag(-ftrivial-auto-var-init=zero CHAT_HAS_INIT_ZERO)
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <stdio.h>\nint main(void) { return 0; }" CHAT_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)

function(chat_flags target)
  target_compile_features(${target} PRIVATE c_std_17)
  set_target_properties(${target} PROPERTIES C_EXTENSIONS ON POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE ZCHAT_VERSION="${PROJECT_VERSION}")
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wpointer-arith -Wformat=2 -Wundef
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wimplicit-fallthrough
    -fno-common -fstack-protector-strong -fvisibility=hidden
    -include ${CMAKE_SOURCE_DIR}/shared/base/banned.h)
  target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack)
  if(CHAT_HAS_STACK_CLASH)
    target_compile_options(${target} PRIVATE -fstack-clash-protection)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
    target_compile_options(${target} PRIVATE -fcf-protection)
  endif()
  if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT ZCHAT_SANITIZE)
    target_compile_options(${target} PRIVATE -U_FORTIFY_SOURCE
      -D_FORTIFY_SOURCE=$<IF:$<BOOL:${CHAT_HAS_FORTIFY_3}>,3,2>)
    if(CHAT_HAS_INIT_ZERO) # not where a sanitizer looks for what was forgotten
      target_compile_options(${target} PRIVATE -ftrivial-auto-var-init=zero)
    endif()
  endif()
  if(ZCHAT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(ZCHAT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${ZCHAT_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${ZCHAT_SANITIZE})
  endif()
  if(ZCHAT_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(ZCHAT_COVERAGE)
    # Without optimisation the compiler does not know how long texts are.
    target_compile_definitions(${target} PRIVATE ZCHAT_COVERAGE) # counters are written at exit, anywhere
    target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic -Wno-format-truncation)
    target_link_options(${target} PRIVATE --coverage)
  endif()
endfunction()

# chat_library(name folder links...): all sources of one folder but a main.c, as a static library.
function(chat_library name folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${ARGN})
    chat_flags(${name})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARGN})
  endif()
endfunction()

# chat_embed(library file symbol): a file as bytes in that library: const unsigned char SYMBOL[], size_t SYMBOL_len.
function(chat_embed library file symbol)
  set(made ${CMAKE_BINARY_DIR}/${symbol}.c)
  add_custom_command(OUTPUT ${made} VERBATIM
    COMMAND ${CMAKE_COMMAND} -D FROM=${CMAKE_SOURCE_DIR}/${file} -D TO=${made} -D NAME=${symbol}
      -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake)
  target_sources(${library} PRIVATE ${made})
endfunction()

# chat_program(name file-or-folder links...): an installed program.
function(chat_program name place)
  if(place MATCHES "\\.c$")
    file(GLOB sources ${CMAKE_SOURCE_DIR}/${place})
  else()
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${place}/*.c)
  endif()
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARGN})
  chat_flags(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_options(${name} PRIVATE -pie)
  install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${name})
  add_dependencies(package_files ${name})
endfunction()

# chat_shared_library(target output header library): the public library, from a static one.
# Only the functions its header names are exported.
function(chat_shared_library target output header library)
  get_target_property(kind ${library} TYPE)
  if(NOT kind STREQUAL "STATIC_LIBRARY")
    return()
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/${target}.c "")
  file(WRITE ${CMAKE_BINARY_DIR}/${target}.map "ZCHAT_0 { global: ${output}_*; local: *; };\n")
  add_library(${target} SHARED ${CMAKE_BINARY_DIR}/${target}.c)
  chat_flags(${target})
  target_link_libraries(${target} PRIVATE -Wl,--whole-archive ${library} -Wl,--no-whole-archive)
  target_link_options(${target} PRIVATE -Wl,--version-script=${CMAKE_BINARY_DIR}/${target}.map)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output} VERSION ${PROJECT_VERSION} SOVERSION 0
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  add_dependencies(package_files ${target})
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    COMPONENT ${target}0 NAMELINK_COMPONENT ${target}-dev)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/${output}.pc.in ${CMAKE_BINARY_DIR}/${output}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${output}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT ${target}-dev)
endfunction()

# chat_completions(program): what shells need to complete its command line, written by the program itself.
function(chat_completions program)
  if(NOT TARGET ${program} OR CMAKE_CROSSCOMPILING)
    return() # then --print-completion on the machine it runs on does it
  endif()
  set(folder ${CMAKE_BINARY_DIR}/completions)
  set(files)
  foreach(shell bash zsh fish)
    file(MAKE_DIRECTORY ${folder}/${shell})
    add_custom_command(OUTPUT ${folder}/${shell}/${program} VERBATIM DEPENDS ${program}
      COMMAND sh -c "\"$1\" --print-completion \"$2\" > \"$3\"" sh $<TARGET_FILE:${program}> ${shell} ${folder}/${shell}/${program})
    list(APPEND files ${folder}/${shell}/${program})
  endforeach()
  add_custom_target(completions_${program} ALL DEPENDS ${files})
  add_dependencies(package_files completions_${program})
  install(FILES ${folder}/bash/${program} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT ${program})
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr") # where Debian's zsh looks for those of packages
    set(zsh vendor-completions)
  else()
    set(zsh site-functions)
  endif()
  install(FILES ${folder}/zsh/${program} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh} RENAME _${program}
    COMPONENT ${program})
  install(FILES ${folder}/fish/${program} DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
    RENAME ${program}.fish COMPONENT ${program})
endfunction()

# chat_test(name source links...): a cmocka program that ctest runs in a folder of its own.
function(chat_test name source)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN} cmocka)
  chat_flags(${name})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  if(ZCHAT_SANITIZE MATCHES "thread")
    set_tests_properties(${name} PROPERTIES
      ENVIRONMENT TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp)
  endif()
endfunction()
