# Packages.cmake - what is installed, in components that are Debian's packages: zchat-broker, zchat, zchat-logger, libzchat0,
# libzchat-dev. `scripts/dev packages` builds them (preset "package").

option(ZCHAT_PACKAGES "Build as for packages: no paths of this machine in programs, compressed manual pages" OFF)
set(ZCHAT_PACKAGE_VERSION "${PROJECT_VERSION}" CACHE STRING "Version of the packages")
set(PACKAGE_VERSION "${ZCHAT_PACKAGE_VERSION}")
set(ZCHAT_MAINTAINER "zchat <zchat@localhost>" CACHE STRING "Who answers for the packages: name and address")
set(PACKAGE_MAINTAINER ${ZCHAT_MAINTAINER})
set(PACKAGES zchat-broker zchat zchat-logger libzchat0 libzchat-dev)
# Not of whoever happens to build: their umask.
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
if(ZCHAT_PACKAGES)
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${CMAKE_BINARY_DIR}/=build/)
endif()
set(DOCS ${CMAKE_INSTALL_DATADIR}/doc)
add_custom_target(package_files) # all that is installed; not the tests

# package_page(file folder package [as]): a text that Debian wants compressed; the same bytes each time.
function(package_page file folder package)
  get_filename_component(name ${file} NAME)
  if(ARGN)
    set(name ${ARGN})
  endif()
  if(NOT ZCHAT_PACKAGES)
    install(FILES ${file} DESTINATION ${folder} COMPONENT ${package} RENAME ${name})
    return()
  endif()
  set(packed ${CMAKE_BINARY_DIR}/packages/${package}/${name}.gz)
  add_custom_command(OUTPUT ${packed} DEPENDS ${file} VERBATIM
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/packages/${package}
    COMMAND sh -c "gzip -9nc \"$1\" > \"$2\"" sh ${file} ${packed})
  string(MAKE_C_IDENTIFIER packed_${package}_${name} target)
  add_custom_target(${target} ALL DEPENDS ${packed})
  add_dependencies(package_files ${target})
  install(FILES ${packed} DESTINATION ${folder} COMPONENT ${package})
endfunction()

# Manual pages: libzchat's belong to those who program, the others to the program whose name they begin with.
file(GLOB MAN_PAGES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.[1-8])
foreach(page ${MAN_PAGES})
  string(REGEX MATCH "[1-8]$" section ${page})
  get_filename_component(name ${page} NAME)
  set(package zchat)
  if(name MATCHES "^(zchat-broker|zchat-logger)\\.")
    set(package ${CMAKE_MATCH_1})
  elseif(name MATCHES "^libzchat")
    set(package libzchat-dev)
  endif()
  package_page(${page} ${CMAKE_INSTALL_MANDIR}/man${section} ${package})
endforeach()

# Documents.
package_page(${CMAKE_SOURCE_DIR}/CHANGELOG.md ${DOCS}/zchat zchat)
install(FILES README.md DESTINATION ${DOCS}/zchat COMPONENT zchat)
foreach(document docs/operations.md SECURITY.md docs/guarantees.md)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${document})
    package_page(${CMAKE_SOURCE_DIR}/${document} ${DOCS}/zchat-broker zchat-broker)
  endif()
endforeach()
package_page(${CMAKE_SOURCE_DIR}/docs/protocol.md ${DOCS}/libzchat-dev libzchat-dev)
file(GLOB EXAMPLES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/examples/*.c ${CMAKE_SOURCE_DIR}/examples/*.py ${CMAKE_SOURCE_DIR}/examples/*.sh)
install(FILES ${EXAMPLES} DESTINATION ${DOCS}/libzchat-dev/examples COMPONENT libzchat-dev)
install(FILES dist/logrotate/zchat-logger DESTINATION ${DOCS}/zchat-logger/examples COMPONENT zchat-logger RENAME logrotate)
install(FILES dist/grafana/zchat.json dist/prometheus/zchat.rules.yml DESTINATION ${DOCS}/zchat-broker/examples COMPONENT zchat-broker)
install(FILES dist/conf/zchat.conf DESTINATION ${DOCS}/zchat/examples COMPONENT zchat)
install(FILES client/lib/zchat.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libzchat-dev)

# Settings. What somebody has edited is not overwritten: dpkg asks, and `cmake --install` leaves it.
# The broker's folder holds its file alone, so that a reload finds one that an editor has put in its place (sandbox.c).
function(package_setting file place package permissions)
  set(target ${CMAKE_INSTALL_FULL_SYSCONFDIR}/zchat/${place})
  get_filename_component(folder ${target} DIRECTORY)
  get_filename_component(name ${target} NAME)
  install(CODE "
    if(NOT EXISTS \"\$ENV{DESTDIR}${target}\")
      file(INSTALL \"${CMAKE_SOURCE_DIR}/${file}\" DESTINATION \"${folder}\" RENAME \"${name}\"
        PERMISSIONS ${permissions})
    endif()" COMPONENT ${package})
endfunction()
package_setting(dist/conf/zchat-broker.conf broker/broker.conf zchat-broker "OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ")
package_setting(dist/conf/zchat-logger.conf logger.conf zchat-logger "OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ")
package_setting(dist/conf/logger.env logger.env zchat-logger "OWNER_READ OWNER_WRITE")

# Services, with the places of this build.
foreach(package zchat-broker zchat-logger)
  file(READ dist/systemd/${package}.service text)
  string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_FULL_BINDIR}/" text "${text}")
  string(REPLACE "/etc/zchat/" "${CMAKE_INSTALL_FULL_SYSCONFDIR}/zchat/" text "${text}")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/systemd/${package}.service CONTENT "${text}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/dist/systemd/${package}.service)
  install(FILES ${CMAKE_BINARY_DIR}/systemd/${package}.service DESTINATION lib/systemd/system COMPONENT ${package})
  install(FILES dist/sysusers.d/${package}.conf DESTINATION lib/sysusers.d COMPONENT ${package})
  install(FILES dist/tmpfiles.d/${package}.conf DESTINATION lib/tmpfiles.d COMPONENT ${package})
endforeach()

if(NOT ZCHAT_PACKAGES)
  return()
endif()

# What every Debian package has.
string(TIMESTAMP PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC) # of $SOURCE_DATE_EPOCH
configure_file(dist/debian/changelog.in ${CMAKE_BINARY_DIR}/packages/changelog @ONLY)
foreach(package ${PACKAGES})
  install(FILES dist/debian/copyright DESTINATION ${DOCS}/${package} COMPONENT ${package})
  package_page(${CMAKE_BINARY_DIR}/packages/changelog ${DOCS}/${package} ${package})
endforeach()

# package_scripts(package enabled upgraded folder...)
function(package_scripts PACKAGE ENABLED UPGRADED)
  string(JOIN " " FOLDERS ${ARGN})
  foreach(script postinst prerm postrm)
    configure_file(dist/debian/${script}.in ${CMAKE_BINARY_DIR}/packages/${PACKAGE}/${script} @ONLY
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endforeach()
endfunction()
package_scripts(zchat-broker yes restart /var/lib/zchat-broker)
package_scripts(zchat-logger no try-restart /var/lib/zchat-logger /var/lib/zchat-logger/home)
file(WRITE ${CMAKE_BINARY_DIR}/packages/zchat-broker/conffiles "/etc/zchat/broker/broker.conf\n")
file(WRITE ${CMAKE_BINARY_DIR}/packages/zchat-logger/conffiles "/etc/zchat/logger.conf\n/etc/zchat/logger.env\n")
file(WRITE ${CMAKE_BINARY_DIR}/packages/triggers "activate-noawait ldconfig\n")
file(WRITE ${CMAKE_BINARY_DIR}/packages/shlibs "libzchat 0 libzchat0 (>= ${PACKAGE_VERSION})\n")

set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # cpack packs what is built, and builds no tests
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME zchat)
set(CPACK_PACKAGE_VERSION ${PACKAGE_VERSION})
set(CPACK_PACKAGE_CONTACT ${PACKAGE_MAINTAINER})
set(CPACK_PACKAGE_VENDOR zchat)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/deb)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
set(CPACK_COMPONENTS_ALL ${PACKAGES})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SOURCE zchat)

# package_control(package section description depends recommends suggests [control file...])
function(package_control package section description depends recommends suggests)
  string(TOUPPER ${package} key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_COMPONENT_${key}_DESCRIPTION "${description}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_RECOMMENDS "${recommends}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_SUGGESTS "${suggests}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_CONTROL_EXTRA "${ARGN}" PARENT_SCOPE)
endfunction()
set(scripts ${CMAKE_BINARY_DIR}/packages)
package_control(zchat-broker net
  "broker of the zchat group chat and message bus\nOne broker serves people and programs on many machines: rooms, private\nmessages with receipts, invitations. A message that it has acknowledged is\non disk, and stands once and in the same order for everybody. All traffic is\nencrypted."
  "adduser, init-system-helpers (>= 1.54)" "" "zchat"
  ${scripts}/zchat-broker/postinst ${scripts}/zchat-broker/prerm ${scripts}/zchat-broker/postrm ${scripts}/zchat-broker/conffiles)
package_control(zchat net
  "client of the zchat group chat and message bus\nChat on a terminal, a line mode for pipes, and verbs for scripts with JSON and\nexit codes that have a meaning. What was typed while the link was down is kept\nand sent once."
  "" "" "zchat-broker")
package_control(zchat-logger net
  "archive of the rooms of a zchat broker\nWrites what is said in rooms as JSON lines or text, without gaps or repeats\nover its own and the broker's restarts; rotates and compresses."
  "adduser, init-system-helpers (>= 1.54)" "" "logrotate"
  ${scripts}/zchat-logger/postinst ${scripts}/zchat-logger/prerm ${scripts}/zchat-logger/postrm ${scripts}/zchat-logger/conffiles)
package_control(libzchat0 libs
  "client library of the zchat group chat and message bus\nA zchat client for C programs: reconnects, retries what was not acknowledged,\nrepairs gaps, and tells everything in order, once."
  "" "" "" ${scripts}/triggers ${scripts}/shlibs)
package_control(libzchat-dev libdevel
  "client library of zchat (development files)\nHeader, pkg-config file, manual page, examples, and the protocol as a document."
  "libzchat0 (= ${PACKAGE_VERSION})" "" "")
set(CPACK_DEBIAN_LIBZCHAT-DEV_PACKAGE_SHLIBDEPS OFF)
include(CPack)
